"""What is done on the page of a job: one form a deed."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from backend.access.rules import Viewer
from backend.core import clock, text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.value_added import actions, papers, performing, processing, quoting, rules
from backend.value_added.jobs import Document
from frontend import web
from frontend.stock import forms
from frontend.value_added import jobs

Typed = Mapping[str, str]
Deed = Callable[[Viewer, uuid.UUID, Typed, list[str], list[Fault]], Awaitable[str]]


@post("/value-added/{job_id:uuid}", request_max_body_size=web.LARGEST_FORM)
async def act(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Do one thing to a job; a refused form stands on the page again, with what was typed."""
    viewer = jobs.reader(request)
    typed = await web.form(request)
    deed = typed.get("deed", "")
    do = DEEDS.get(deed)
    if do is None:
        raise Invalid
    faults: list[Fault] = []
    try:
        # Files of a refused form are kept by their hashes, so that they need not be sent again.
        kept = web.listed(typed, "kept")
        try:
            kept += await files_actions.take_in(viewer, await web.uploads(request, "photos"), field="photos")
        except Invalid as refusal:
            faults += refusal.faults
        typed["kept"] = ",".join(kept)
        try:
            said = await do(viewer, job_id, typed, kept, faults)
        except Invalid as refusal:
            raise forms.together(faults, refusal, _renamed) from refusal
    except (rules.NotNow, rules.QuoteExpired) as refusal:
        return web.redirect(request, jobs.path_of(job_id), flash=("warn", text.say(refusal.sentence, refusal.facts)))
    except (Invalid, Conflict) as refusal:
        if type(refusal) is Conflict:
            return web.redirect(
                request, jobs.path_of(job_id), flash=("warn", text.say(refusal.sentence, refusal.facts))
            )
        form = forms.again(typed, refusal, deed)
        return await jobs.page(request, job_id, (deed, form), forms.status_of(refusal))
    return web.redirect(request, jobs.path_of(job_id), flash=("ok", said))


def _renamed(field: str) -> str:
    return {
        "expires_at": "days",
        "files": "photos",
        "documents": "",
        "documents.0.kind": "kind",
        "documents.0.hash": "photos",
    }.get(field, field)


def _revision(typed: Typed) -> int:
    number = typed.get("revision", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Conflict
    return int(number)


def _number(typed: Typed, field: str, faults: list[Fault]) -> Decimal | None:
    return values.measure(field, typed.get(field, ""), faults)


def _stop(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(faults)


async def _quote(viewer: Viewer, job_id: uuid.UUID, typed: Typed, _: list[str], faults: list[Fault]) -> str:
    days = typed.get("days", "")
    if not (days.isascii() and days.isdecimal() and 1 <= len(days) <= 2 and 1 <= int(days) <= 90):
        faults.append(Fault("days", days, N_("Say how many days the quote holds, from 1 to 90.")))
    price, quantity = _number(typed, "price", faults), _number(typed, "quantity", faults)
    _stop(faults)
    await quoting.quote(
        viewer,
        job_id,
        _revision(typed),
        price=price,
        currency=typed.get("currency", ""),
        quantity=quantity,
        expires_at=clock.now() + timedelta(days=int(days)),
        note=typed.get("note", ""),
    )
    return text.gettext("The quote is sent. The exporter accepts it or turns it down.")


async def _decline(viewer: Viewer, job_id: uuid.UUID, typed: Typed, _: list[str], faults: list[Fault]) -> str:
    await quoting.decline(viewer, job_id, _revision(typed), why=typed.get("why", ""))
    return text.gettext("The job is declined.")


async def _accept(viewer: Viewer, job_id: uuid.UUID, typed: Typed, _: list[str], faults: list[Fault]) -> str:
    await quoting.answer(viewer, job_id, _revision(typed), accept=True)
    return text.gettext("You have accepted the quote. The warehouse begins its work.")


async def _turn_down(viewer: Viewer, job_id: uuid.UUID, typed: Typed, _: list[str], faults: list[Fault]) -> str:
    await quoting.answer(viewer, job_id, _revision(typed), accept=False, why=typed.get("why", ""))
    return text.gettext("You have turned the quote down.")


async def _cancel(viewer: Viewer, job_id: uuid.UUID, typed: Typed, _: list[str], faults: list[Fault]) -> str:
    await quoting.cancel(viewer, job_id, _revision(typed), why=typed.get("why", ""))
    return text.gettext("The job is cancelled.")


async def _documents(viewer: Viewer, job_id: uuid.UUID, typed: Typed, kept: list[str], faults: list[Fault]) -> str:
    if not kept:
        faults.append(Fault("photos", "", N_("Choose a file first.")))
    papers.document_kind("kind", typed.get("kind", ""), faults)
    _stop(faults)
    await actions.add_documents(viewer, job_id, [Document(typed.get("kind", ""), each) for each in kept])
    return text.gettext("The document is added.")


async def _work(viewer: Viewer, job_id: uuid.UUID, typed: Typed, kept: list[str], faults: list[Fault]) -> str:
    key = forms.key_of(typed, faults)
    await performing.work(viewer, job_id, note=typed.get("note", ""), photos=kept, request_key=key)
    return text.gettext("The step is recorded.")


async def _refer(viewer: Viewer, job_id: uuid.UUID, typed: Typed, kept: list[str], faults: list[Fault]) -> str:
    await performing.refer(
        viewer,
        job_id,
        partner=typed.get("partner", ""),
        reference=typed.get("reference", ""),
        status=typed.get("status", ""),
        note=typed.get("note", ""),
        files=kept,
        request_key=forms.key_of(typed, faults),
    )
    return text.gettext("It is recorded how far the matter is. The exporter is told.")


async def _report(viewer: Viewer, job_id: uuid.UUID, typed: Typed, kept: list[str], faults: list[Fault]) -> str:
    quantity = _number(typed, "quantity", faults)
    _stop(faults)
    await performing.report(
        viewer,
        job_id,
        _revision(typed),
        outcome=typed.get("outcome", ""),
        quantity=quantity,
        note=typed.get("note", ""),
        photos=kept,
    )
    return text.gettext("The result is reported. The exporter accepts it or says what is wrong.")


async def _approve(viewer: Viewer, job_id: uuid.UUID, typed: Typed, _: list[str], faults: list[Fault]) -> str:
    await performing.approve(viewer, job_id, _revision(typed), note=typed.get("note", ""))
    return text.gettext("You have accepted the result. The job is closed.")


async def _dispute(viewer: Viewer, job_id: uuid.UUID, typed: Typed, kept: list[str], faults: list[Fault]) -> str:
    _stop(faults)
    await performing.dispute(viewer, job_id, _revision(typed), why=typed.get("why", ""), photos=kept)
    return text.gettext("The warehouse is told what is wrong with the result.")


async def _settle(viewer: Viewer, job_id: uuid.UUID, typed: Typed, _: list[str], faults: list[Fault]) -> str:
    way = typed.get("way", "")
    await performing.settle(viewer, job_id, _revision(typed), way=way, note=typed.get("note", ""))
    return {
        "redo": text.gettext("The job is open again. Its charge is taken back until the new result."),
        "stand_by": text.gettext("The exporter is told that you stand by the result."),
    }.get(way) or text.gettext("The job is closed without a charge.")


async def _undo(viewer: Viewer, job_id: uuid.UUID, typed: Typed, _: list[str], faults: list[Fault]) -> str:
    try:
        step_id = uuid.UUID(typed.get("step", ""))
    except ValueError:
        raise rules.NoSuchJob from None
    await processing.undo_transform(viewer, job_id, step_id, why=typed.get("why", ""))
    return text.gettext("The transformation is undone: the same goods are back.")


DEEDS: Mapping[str, Deed] = {
    "quote": _quote,
    "decline": _decline,
    "accept": _accept,
    "turn_down": _turn_down,
    "cancel": _cancel,
    "documents": _documents,
    "work": _work,
    "refer": _refer,
    "report": _report,
    "approve": _approve,
    "dispute": _dispute,
    "stand_by": _settle,
    "waive": _settle,
    "undo": _undo,
}
HANDLERS = (act,)
