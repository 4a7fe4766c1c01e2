"""What people type into the forms of the ledger, and how a refusal finds its way back beside the fields."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request

from backend.core import text, values
from backend.core.errors import Fault, Invalid, Refusal
from backend.core.text import N_
from backend.stock import codes, ledger, rules
from frontend import render, web
from frontend.render import Form

LARGEST_ID = 2**63 - 1
_SENT_BEFORE = N_(
    "This form was sent before with other values, and that was booked. See what is in the book now; "
    "send the form again if this is to be booked as well."
)


async def read(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of a posted form, as plain lines."""
    return {name: web.plain(value) for name, value in (await web.form(request)).items()}


def bounded(row_id: int) -> int:
    """An id as an address gives it; one that no row can have finds nothing."""
    if not 0 < row_id <= LARGEST_ID:
        raise rules.NoSuchStock
    return row_id


def new_key() -> str:
    """A request key for a form that is shown now: however often the form is sent, it books once."""
    return str(values.new_id())


def quantity(field: str, typed: str, faults: list[Fault]) -> int:
    """A quantity as typed; 0 with a fault for none and for anything that is not one."""
    if typed:
        return values.quantity(field, typed, faults)
    faults.append(Fault(field, typed, N_("Give the quantity in whole pieces.")))
    return 0


def instant(field: str, typed: str, zone: str, faults: list[Fault]) -> datetime | None:
    """A local date and time of `zone` as an instant; None when it is empty, or a fault."""
    if not typed:
        return None
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        faults.append(
            Fault(
                field,
                typed,
                N_("“%(value)s” is not a date with a time. Write it like 2026-11-23T08:30."),
                {"value": typed},
            )
        )
        return None
    return local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))


def key_of(typed: Mapping[str, str], faults: Sequence[Fault]) -> str:
    """The form's request key; none when the page has found faults, so that the action says the others and books nothing."""
    return "" if faults else typed.get("key", "")


def together(faults: Sequence[Fault], refusal: Refusal, rename: Callable[[str], str] = str) -> Refusal:
    """What the page and the action found wrong, as one refusal; where both speak of a field, the page has seen more."""
    known = {fault.field for fault in faults} | ({"Idempotency-Key"} if faults else set())
    found = list(faults)
    for each in refusal.faults:
        field = rename(each.field)
        if field not in known and each.field not in known:
            found.append(Fault("" if field == "Idempotency-Key" else field, each.value, each.sentence, each.facts))
    return Invalid(found) if found else refusal


def again(typed: Mapping[str, str], refusal: Refusal, prefix: str = "f") -> Form:
    """The form once more after a refusal: what was typed, every fault beside its field.

    An unknown warehouse is a fault of its field. A form that was sent before with other values, or without a
    key, gets a new one.
    """
    if isinstance(refusal, codes.NoSuchWarehouse):
        refusal = Invalid([Fault("warehouse", typed.get("warehouse", ""), refusal.sentence, refusal.facts)])
    if isinstance(refusal, rules.SameKeyOtherRequest):
        return Form({**typed, "key": new_key()}, summary=[text.gettext(_SENT_BEFORE)], prefix=prefix)
    return web.form_from({**typed, "key": typed.get("key") or new_key()}, refusal, prefix)


def status_of(refusal: Refusal) -> int:
    """The status of a form that was refused: 422 for what was typed, 409 for what happened in between."""
    return 422 if isinstance(refusal, Invalid | codes.NoSuchWarehouse) else 409


def booked(posted: ledger.Posted, quantity: int) -> tuple[str, str]:
    """What is said after a document was booked, or had been by the same form."""
    facts = {"count": render.number(quantity), "document": posted.document_id}
    if posted.repeated:
        return "neutral", text.ngettext(
            "%(count)s piece was booked by this form already, as document %(document)s.",
            "%(count)s pieces were booked by this form already, as document %(document)s.",
            quantity,
            **facts,
        )
    return "ok", text.ngettext(
        "%(count)s piece is booked as document %(document)s.",
        "%(count)s pieces are booked as document %(document)s.",
        quantity,
        **facts,
    )
