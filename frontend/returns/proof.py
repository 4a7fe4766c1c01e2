"""The evidence pack of a return as a paper and as a ZIP, and the place where a reader checks one."""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, text
from backend.core.text import N_, Word
from backend.files.store import store
from backend.returns import archive, evidence, rules
from backend.returns.archive import About, Stored
from backend.returns.evidence import Evidence
from frontend import pdf, render, web
from frontend.photographs import Photograph
from frontend.render import Form
from frontend.returns import words
from frontend.returns.deciding import said_answers
from frontend.returns.pdf import Answer, EvidencePack, EvidenceUnit, Happening, evidence_pack

# So many photos, and so many bytes of them, are printed; the ZIP has all of them.
MOST_PRINTED = 60
MOST_PRINTED_BYTES = 120_000_000
# What every platform reads, besides the reader's own language.
PLATFORM_LANGUAGE = "en"


@get("/{rma_id:uuid}/evidence.pdf")
async def print_pack(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """The pack as PDF, in the language asked for in the address (`language`), else the reader's."""
    found = await evidence.gather(_reader(request), rma_id)
    language = _language(request)
    content = await contents(request, found, clock.now(), language)
    return await pdf.answer(f"{found.head['number']}-{text.tag(language)}", evidence_pack, content, language)


@get("/{rma_id:uuid}/evidence.zip")
async def save_pack(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Stream:
    """The pack in the language asked for and in English, every file, and a list of hashes that the journal keeps."""
    return await zipped(request, _reader(request), rma_id)


async def zipped(request: Request[Any, Any, Any], viewer: Viewer, rma_id: uuid.UUID) -> Stream:
    """The ZIP of a return; for people and for programs."""
    found, made_at = await evidence.gather(viewer, rma_id), clock.now()
    number, printed = found.head["number"], []
    for language in dict.fromkeys((_language(request), PLATFORM_LANGUAGE)):
        content = await contents(request, found, made_at, language)
        made = await asyncio.to_thread(evidence_pack, content, language)
        printed.append((f"{number}-{text.tag(language)}.pdf", made))
    about = About(
        subject="return",
        id=rma_id,
        number=number,
        warehouse_id=found.head["warehouse_id"],
        owner_id=found.head["owner_id"],
    )
    return web.zip_file(number, await archive.bundle(viewer, about, printed, _stored(found), made_at))


def _stored(found: Evidence) -> list[Stored]:
    """Every file with what it belongs to: photos by unit, the others together."""
    unit_of = {look["id"]: look["unit"] for look in found.looks}
    return [
        Stored(
            name=file["name"],
            digest=file["hash"],
            size=file["size"],
            stored_at=file["created_at"],
            folder="photos" if file["subject"] == "inspection" else "papers",
            of=unit_of.get(file["subject_id"], ""),
        )
        for file in found.files
    ]


@get("/evidence")
async def check(request: Request[Any, Any, Any]) -> Response[str]:
    """Check a pack by the SHA-256 of its manifest.json."""
    digest = web.plain(request.query_params.get("hash", ""))
    return await _check(request, digest)


@post("/evidence", request_max_body_size=web.LARGEST_FORM)
async def check_file(request: Request[Any, Any, Any]) -> Response[str]:
    """Check a pack by its manifest.json itself."""
    files = await web.uploads(request, "file")
    if files:
        return await _check(request, hashlib.sha256(files[0][1]).hexdigest())
    return await _check(request, web.plain((await web.form(request)).get("hash", "")))


async def _check(request: Request[Any, Any, Any], digest: str) -> Response[str]:
    viewer = _reader(request)
    form, known, status = Form({"hash": digest}), None, 200
    if digest:
        try:
            known = await archive.recorded(viewer, digest)
        except archive.NoSuchPack as refusal:
            form, status = web.form_from({"hash": digest}, refusal), 422
    return web.page(
        request,
        "returns/evidence.html",
        status=status,
        form=form,
        known=known,
        href=_shown_at(known) if known else "",
        zone=viewer.time_zone,
    )


def _shown_at(known: Mapping[str, Any]) -> str:
    return f"/returns/batches/{known['id']}" if known["subject"] == "batch" else f"/returns/{known['id']}"


def _reader(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.SEE_RETURNS)


def _language(request: Request[Any, Any, Any]) -> str:
    asked = request.query_params.get("language", "")
    return asked if asked in text.LANGUAGES else text.current.get()


# --------------------------------------------------------------------------------------------------- what the pack says


async def contents(request: Request[Any, Any, Any], found: Evidence, made_at: datetime, language: str) -> EvidencePack:
    """Everything known of a return as its pack says it in a language."""
    head = found.head
    pictures = await photographs(found.files)
    with text.speaking(language):
        return EvidencePack(
            number=head["number"],
            url=f"{request.app.state.settings.base_url}/returns/{head['id']}",
            made_at=made_at,
            zone=head["time_zone"],
            warehouse=render.name(head["warehouse_names"]),
            warehouse_code=head["warehouse"],
            operator=render.name(found.operator_names),
            owner=render.name(head["owner_names"]),
            kind=rules.KIND_NAMES[rules.Kind(head["kind"])],
            stage=rules.STAGE_NAMES[rules.Stage(head["stage"])],
            booked_at=head["booked_at"],
            reason=words.reason(head["reason"]),
            reference=head["reference"],
            country=head["country"] or "",
            sender=[head["city"]] if head["city"] else [],
            note=head["note"],
            timeline=timeline(found),
            units=[_unit(found, unit, pictures) for unit in found.units],
            files=[pictures[file["id"]] for file in found.others],
        )


async def photographs(files: Sequence[Mapping[str, Any]]) -> dict[uuid.UUID, Photograph]:
    """Files as papers take them, by the id of their attachment; the first of them with their content."""
    found: dict[uuid.UUID, Photograph] = {}
    printed, size = 0, 0
    for file in files:
        content: bytes | None = None
        is_photo = file["media_type"].startswith("image/")
        if is_photo and printed < MOST_PRINTED and size + file["size"] <= MOST_PRINTED_BYTES:
            printed, size = printed + 1, size + file["size"]
            try:
                content = await store.read(file["hash"])
            except FileNotFoundError:
                content = None
        found[file["id"]] = Photograph(
            name=file["name"],
            sha256=file["hash"].hex(),
            size=file["size"],
            stored_at=file["created_at"],
            content=content,
        )
    return found


def _unit(found: Evidence, unit: Mapping[str, Any], pictures: Mapping[uuid.UUID, Photograph]) -> EvidenceUnit:
    look = next(iter(found.looks_of[unit["id"]]), None)
    disposition = unit["disposition"]
    return EvidenceUnit(
        code=unit["code"],
        item_code=unit["item"],
        item_name=render.name(unit["item_names"]),
        quantity=unit["quantity"],
        received_at=unit["received_at"],
        lot=unit["lot"] or "",
        serial=unit["serial"] or "",
        grade=unit["grade"] or "",
        grader=look["grader"] or "" if look else "",
        graded_at=look["graded_at"] if look else None,
        edition=look["edition"] if look else "",
        answers=[
            Answer(question=render.name(question), answer=render.name(answer))
            for question, answer, _ in (said_answers(look) if look else [])
        ],
        note=look["note"] if look else "",
        disposition=rules.DISPOSITION_NAMES[rules.Disposition(disposition)] if disposition else N_("Not decided yet"),
        photos=[pictures[file["id"]] for file in found.photos_of(unit["id"])],
    )


_BOOKED = N_("The return was booked.")
_ARRIVED = N_("Parcel %(parcel)s arrived, tracking number %(tracking)s.")
_ARRIVED_UNTRACKED = N_("Parcel %(parcel)s arrived.")
_RECEIVED = N_("Unit %(unit)s was received into quarantine: %(pieces)s pieces.")
_NOT_RECEIVED = N_("Unit %(unit)s was received; its receipt was reversed afterwards.")
_LOOKED = N_("Look %(turn)s at unit %(unit)s: grade %(grade)s.")
_DECIDED = N_("Its owner decided for unit %(unit)s: %(kind)s.")
_DEFAULT = N_("By the default agreed beforehand unit %(unit)s becomes: %(kind)s.")
_CARRIED_OUT = N_("The decision for unit %(unit)s was carried out: %(kind)s.")
_WENT_ON = N_("The decision for unit %(unit)s was carried out: %(kind)s, under %(number)s.")
_REVOKED = N_("The decision for unit %(unit)s was revoked: %(kind)s.")
_UNDONE = N_("What was done with unit %(unit)s was undone: %(kind)s.")
_REFUNDED = N_("%(amount)s %(currency)s were given back for %(pieces)s pieces of line %(line)s.")
_REFUND_REVERSED = N_("The refund of %(amount)s %(currency)s for line %(line)s was reversed.")
_FOUND_FOR = N_("The investigation of line %(line)s ended: accepted.")
_FOUND_AGAINST = N_("The investigation of line %(line)s ended: refused.")
_WROTE = N_("%(organisation)s wrote:")
_CLOSED = N_("The return was closed.")


def timeline(found: Evidence) -> list[Happening]:
    """What happened, in the order of time; movements of goods name their document of the ledger."""
    head = found.head
    events = [Happening(at=head["booked_at"], sentence=_BOOKED, who=head["booked_by"] or "", note=head["note"])]
    events += _arrivals(found)
    for look in found.looks:
        facts = {"unit": look["unit"], "turn": look["turn"], "grade": look["grade"]}
        note = " · ".join(part for part in (look["note"], _document(look["document_id"])) if part)
        events.append(
            Happening(at=look["graded_at"], sentence=_LOOKED, facts=facts, who=look["grader"] or "", note=note)
        )
    for each in found.decisions:
        events += _decision(each)
    for each in found.refunds:
        events += _refund(each)
    for each in found.messages:
        facts = {"organisation": render.name(each["organisation_names"])}
        who = each["user_name"] or ""
        events.append(Happening(at=each["created_at"], sentence=_WROTE, facts=facts, who=who, note=each["body"]))
    if head["closed_at"]:
        events.append(Happening(at=head["closed_at"], sentence=_CLOSED))
    return sorted(events, key=lambda event: event.at)


def _arrivals(found: Evidence) -> list[Happening]:
    """Parcels, units that were received, investigations that ended."""
    events = []
    for parcel in found.parcels:
        if parcel["arrived_at"]:
            facts = {"parcel": parcel["parcel_no"], "tracking": parcel["tracking_no"] or ""}
            sentence = _ARRIVED if parcel["tracking_no"] else _ARRIVED_UNTRACKED
            who = parcel["arrived_by"] or ""
            events.append(Happening(at=parcel["arrived_at"], sentence=sentence, facts=facts, who=who))
    for unit in found.units:
        gone = unit["state"] == rules.UnitState.REVERSED
        events.append(
            Happening(
                at=unit["received_at"],
                sentence=_NOT_RECEIVED if gone else _RECEIVED,
                facts={"unit": unit["code"], "pieces": unit["quantity"]},
                who=unit["received_by"] or "",
                note=_document(unit["receipt_document_id"]),
            )
        )
    for line in found.lines:
        if line["investigated_at"]:
            accepted = line["investigation"] == rules.Investigation.ACCEPTED
            events.append(
                Happening(
                    at=line["investigated_at"],
                    sentence=_FOUND_FOR if accepted else _FOUND_AGAINST,
                    facts={"line": line["line_no"]},
                    who=line["investigator"] or "",
                    note=line["investigation_note"],
                )
            )
    return events


def _decision(each: Mapping[str, Any]) -> list[Happening]:
    kind = Word(rules.DISPOSITION_NAMES[rules.Disposition(each["kind"])])
    facts: dict[str, object] = {"unit": each["unit"], "kind": kind, "number": each["follow_up_number"] or ""}
    by_default = each["decided_as"] == "default"
    events = [
        Happening(
            at=each["decided_at"],
            sentence=_DEFAULT if by_default else _DECIDED,
            facts=facts,
            who=each["decided_by"] or "",
            note=each["note"],
        )
    ]
    if each["executed_at"]:
        events.append(
            Happening(
                at=each["executed_at"],
                sentence=_WENT_ON if each["follow_up_number"] else _CARRIED_OUT,
                facts=facts,
                who=each["executed_by"] or "",
                note=_document(each["document_id"]),
            )
        )
    if each["revoked_at"]:
        events.append(
            Happening(
                at=each["revoked_at"],
                sentence=_UNDONE if each["executed_at"] else _REVOKED,
                facts=facts,
                who=each["revoked_by"] or "",
                note=each["revoked_note"] or "",
            )
        )
    return events


def _refund(each: Mapping[str, Any]) -> list[Happening]:
    facts: dict[str, object] = {
        "amount": each["amount"],
        "currency": each["currency"],
        "pieces": each["quantity"],
        "line": each["line_no"],
    }
    who, reference = each["recorded_by"] or "", each["reference"]
    events = [Happening(at=each["recorded_at"], sentence=_REFUNDED, facts=facts, who=who, note=reference)]
    if each["reversed_at"]:
        who, note = each["reversed_by"] or "", each["reversed_note"] or ""
        events.append(Happening(at=each["reversed_at"], sentence=_REFUND_REVERSED, facts=facts, who=who, note=note))
    return events


def _document(document_id: uuid.UUID | None) -> str:
    if document_id is None:
        return ""
    return text.gettext(N_("Document %(number)s of the ledger"), number=document_id)
