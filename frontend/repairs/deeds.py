"""The steps of a work order as its page sends them: each reads its form, calls one action, and says what was done."""

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import get_territory_currencies

from backend.access.rules import Viewer
from backend.core import clock, text, values
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.repairs import actions, bench, ending, quoting
from backend.stock.rules import Condition
from frontend import web
from frontend.lists import Row
from frontend.repairs import opening
from frontend.stock import forms

Typed = Mapping[str, str]
Flash = tuple[str, str]
Deed = Callable[[Viewer, Row, Typed], Awaitable[Flash]]
FIRST_ROWS, MORE_ROWS, MOST_ROWS = 3, 3, 30
_CELL = re.compile(r"parts\.(\d{1,2})\.(item|quantity|price)")


def place_of(deed: str, typed: Typed) -> str:
    """The name of the form that sent a deed: steps that are undone have one each."""
    return f"undo-{typed.get('use', '')}" if deed == "undo" else ("answer" if deed in ("approve", "refuse") else deed)


def rows_of(typed: Typed) -> int:
    """How many rows for parts the form of a quote has."""
    asked = typed.get("rows", "")
    numbers = [int(found[1]) + 1 for name in typed if (found := _CELL.fullmatch(name))]
    return min(MOST_ROWS, max([*numbers, int(asked) if asked.isdecimal() and len(asked) < 4 else 0, FIRST_ROWS]))


def in_a_week(zone: str) -> dict[str, str]:
    """When a quote usually expires, on the clock of the warehouse."""
    until = (clock.now() + timedelta(days=7)).astimezone(ZoneInfo(zone))
    return {"expires_at": until.strftime("%Y-%m-%dT%H:%M")}


def currency_of(country: str) -> str:
    """The currency that is paid with in a country."""
    return next(iter(get_territory_currencies(country)), "USD")


def spot_of(row: Row) -> str:
    """A part and where it lies, as one value of a select."""
    condition = Condition(row["condition"]).name if row["condition"] else ""
    return msgspec.json.encode([row["item"], row["lot"] or "", row["location"] or "", condition]).decode()


def _key(typed: Typed, faults: list[Fault]) -> str:
    return forms.key_of(typed, faults)


async def _take_in(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    await actions.take_in(viewer, order["id"], request_key=_key(typed, []))
    return "ok", text.gettext("The unit is in the workshop, in quarantine.")


async def _cancel(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    await actions.cancel(viewer, order["id"], note=typed.get("note", ""), request_key=_key(typed, []))
    return "ok", text.gettext("The repair is cancelled. The unit stays where it lies.")


async def _assign(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    chosen, revision = typed.get("technician", ""), typed.get("revision", "")
    technician = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else None
    seen = int(revision) if revision.isdecimal() and len(revision) < 10 else 0
    await actions.assign(viewer, order["id"], technician_id=technician, revision=seen)
    if technician is None:
        return "ok", text.gettext("The work order is back in the queue.")
    return "ok", text.gettext("The work order is assigned.")


async def _diagnose(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    faults: list[Fault] = []
    repairable = typed.get("repairable", "")
    if repairable not in ("yes", "no"):
        faults.append(Fault("repairable", repairable, N_("Say whether the unit can be repaired.")))
    try:
        await actions.diagnose(
            viewer,
            order["id"],
            codes=web.listed(typed, "codes"),
            repairable=repairable == "yes",
            note=typed.get("note", ""),
            request_key=_key(typed, faults),
        )
    except Invalid as refusal:
        raise forms.together(faults, refusal) from refusal
    return "ok", text.gettext("The diagnosis is kept.")


async def _quote(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    faults: list[Fault] = []
    parts, numbers = [], []
    for n in range(rows_of(typed)):
        item, quantity, price = (typed.get(f"parts.{n}.{name}", "") for name in ("item", "quantity", "price"))
        if not (item or quantity or price):
            continue
        pieces = forms.quantity(f"parts.{n}.quantity", quantity, faults)
        parts.append(quoting.PartAsked(item, pieces, _amount(f"parts.{n}.price", price, faults)))
        numbers.append(n)
    minutes = opening.whole("minutes", typed.get("minutes", ""), faults) or 0
    rate = _amount("rate", typed.get("rate", ""), faults, needed=minutes > 0)
    until = forms.instant("expires_at", typed.get("expires_at", ""), order["time_zone"], faults)
    if until is None and not typed.get("expires_at"):
        faults.append(Fault("expires_at", "", N_("Say until when the quote can be answered.")))
    try:
        await quoting.quote(
            viewer,
            order["id"],
            parts=parts,
            minutes=minutes,
            rate=rate,
            currency=typed.get("currency", ""),
            expires_at=until or clock.now() + timedelta(days=1),
            note=typed.get("note", ""),
            request_key=_key(typed, faults),
        )
    except Invalid as refusal:
        raise forms.together(faults, refusal, lambda path: _row(path, numbers)) from refusal
    return "ok", text.gettext("The quote is with the owner now.")


def _amount(field: str, typed: str, faults: list[Fault], *, needed: bool = True) -> Decimal:
    before = len(faults)
    given = values.measure(field, typed, faults)
    if given is None and needed and len(faults) == before:
        faults.append(Fault(field, typed, N_("Give the price.")))
    return given or Decimal(0)


def _row(path: str, numbers: list[int]) -> str:
    """A field of the n-th part that was filled in, as the row it stands in."""
    found = _CELL.fullmatch(path)
    return f"parts.{numbers[int(found[1])]}.{found[2]}" if found and int(found[1]) < len(numbers) else path


async def _withdraw(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    await quoting.withdraw(viewer, order["id"], note=typed.get("note", ""), request_key=_key(typed, []))
    return "ok", text.gettext("The quote is withdrawn. Make another one, or give the unit up.")


async def _answer(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    approve = typed.get("deed") == "approve"
    await quoting.answer(
        viewer,
        order["id"],
        quote_id=_uuid(typed.get("quote", "")),
        approve=approve,
        note=typed.get("note", ""),
        request_key=_key(typed, []),
    )
    if approve:
        return "ok", text.gettext("The quote is approved. The repair begins.")
    return "ok", text.gettext("The quote is refused. The operator hears why.")


def _uuid(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.UUID(int=0)


async def _use(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    faults: list[Fault] = []
    quantity = forms.quantity("quantity", typed.get("quantity", ""), faults)
    try:
        item, lot, location, condition = msgspec.json.decode(typed.get("spot", ""), type=tuple[str, str, str, str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        faults.append(Fault("spot", "", N_("Choose the part and the place where it lies.")))
        item = lot = location = condition = ""
    if faults:
        raise Invalid(faults)
    part = bench.PartTaken(item, location, quantity, lot or None, condition)
    try:
        await bench.use_parts(
            viewer, order["id"], parts=[part], note=typed.get("note", ""), request_key=_key(typed, faults)
        )
    except Invalid as refusal:
        raise forms.together([], refusal, _of_part) from refusal
    return "ok", text.ngettext("%(n)s part is used up.", "%(n)s parts are used up.", quantity)


def _of_part(path: str) -> str:
    """A field of the only part, as its form names it."""
    field = path.removeprefix("parts.0.")
    return "spot" if field in ("item", "lot", "location", "condition") else field


async def _recover(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    faults: list[Fault] = []
    quantity = forms.quantity("quantity", typed.get("quantity", ""), faults)
    item, location, condition = (typed.get(name, "") for name in ("item", "location", "condition"))
    part = bench.PartTaken(item, location, quantity, typed.get("lot") or None, condition)
    try:
        await bench.recover_part(
            viewer, order["id"], part=part, note=typed.get("note", ""), request_key=_key(typed, faults)
        )
    except Invalid as refusal:
        raise forms.together(faults, refusal, lambda path: path.removeprefix("parts.0.")) from refusal
    return "ok", text.ngettext("%(n)s part is in stock again.", "%(n)s parts are in stock again.", quantity)


async def _undo(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    use_id = _uuid(typed.get("use", ""))
    await bench.undo_parts(viewer, order["id"], use_id=use_id, note=typed.get("note", ""), request_key=_key(typed, []))
    return "ok", text.gettext("The parts are back where they were; their charge is taken back.")


async def _work(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    faults: list[Fault] = []
    minutes = opening.whole("minutes", typed.get("minutes", ""), faults) or 0
    done = typed.get("done") == "yes"
    try:
        await bench.work(
            viewer,
            order["id"],
            minutes=minutes,
            note=typed.get("note", ""),
            done=done,
            request_key=_key(typed, faults),
        )
    except Invalid as refusal:
        raise forms.together(faults, refusal) from refusal
    if done:
        return "ok", text.gettext("The repair is made. Test the unit now.")
    return "ok", text.gettext("The time is kept.")


async def _test(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    answers = {name.removeprefix("answers."): value for name, value in typed.items() if name.startswith("answers.")}
    await bench.record_test(
        viewer, order["id"], answers=answers, note=typed.get("note", ""), request_key=_key(typed, [])
    )
    if "bad" in answers.values():
        return "warn", text.gettext("The test is not passed. The unit is back at the bench.")
    return "ok", text.gettext("The test is passed. Say where the unit goes.")


async def _finish(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    given = {name: typed.get(name, "") for name in ("location", "condition", "note")}
    await ending.finish(viewer, order["id"], **given, request_key=_key(typed, []))
    return "ok", text.gettext("The repair is finished. The owner hears of it.")


async def _give_up(viewer: Viewer, order: Row, typed: Typed) -> Flash:
    given = {name: typed.get(name, "") for name in ("location", "note")}
    await ending.give_up(viewer, order["id"], **given, request_key=_key(typed, []))
    return "ok", text.gettext("The repair is given up; the unit lies there as damaged. The owner hears of it.")


DEEDS: Mapping[str, Deed] = {
    "take_in": _take_in,
    "cancel": _cancel,
    "assign": _assign,
    "diagnose": _diagnose,
    "quote": _quote,
    "withdraw": _withdraw,
    "approve": _answer,
    "refuse": _answer,
    "use": _use,
    "recover": _recover,
    "undo": _undo,
    "work": _work,
    "test": _test,
    "finish": _finish,
    "give_up": _give_up,
}
