"""The papers of a batch home: the pack for customs as PDF, and everything together as a ZIP with its hashes."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream

from backend.access.rules import Viewer
from backend.core import clock, text
from backend.core.text import N_
from backend.regulations import facts as law_facts
from backend.regulations import rules as law_rules
from backend.returns import archive, batches, custody, papers
from backend.returns.archive import About, Stored
from backend.stock.rules import CONDITION_NAMES, Condition
from frontend import pdf, render, web
from frontend.regulations import words as law_words
from frontend.returns import batch_words
from frontend.returns.batches import path_of, reader
from frontend.returns.pdf import Clock, Eligibility, HomeGoods, HomeLine, SendHomePack, send_home_pack

# The customs file is Chinese, whoever prints it.
CUSTOMS_LANGUAGE = "zh_CN"
_CUSTOMS = N_("May the goods come back by the returns route of customs?")
_TAX = N_("Do they come back free of duty and tax?")


@get("/batches/{batch_id:uuid}/pack.pdf")
async def print_pack(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """The pack for customs, in the reader's language."""
    head = await batches.batch(reader(request), batch_id)
    content = await contents(request, head, clock.now())
    return await pdf.answer(head["number"], send_home_pack, content, text.current.get())


@get("/batches/{batch_id:uuid}/pack.zip")
async def save_pack(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> Stream:
    """The pack in Chinese and in the reader's language, added papers and photos of units, with a list of hashes."""
    return await zipped(request, reader(request), batch_id)


async def zipped(request: Request[Any, Any, Any], viewer: Viewer, batch_id: uuid.UUID) -> Stream:
    """The ZIP of a batch; for people and for programs."""
    head = await batches.batch(viewer, batch_id)
    rows = await batches.lines(head)
    made_at = clock.now()
    printed = []
    for language in dict.fromkeys((CUSTOMS_LANGUAGE, text.current.get())):
        with text.speaking(language):
            content = await contents(request, head, made_at)
        made = await asyncio.to_thread(send_home_pack, content, language)
        printed.append((f"{head['number']}-{text.tag(language)}.pdf", made))
    units = {row["inspection_id"]: row["unit"] for row in rows if row["inspection_id"]}
    stored = [
        *(_stored(file, "papers") for file in await papers.of_batch(viewer, head)),
        *(
            _stored(file, "photos", units.get(file["subject_id"], ""))
            for file in await papers.pictures(viewer, head, rows)
        ),
    ]
    about = About(
        subject="batch",
        id=batch_id,
        number=head["number"],
        warehouse_id=head["warehouse_id"],
        owner_id=head["owner_id"],
    )
    return web.zip_file(head["number"], await archive.bundle(viewer, about, printed, stored, made_at))


def _stored(file: Mapping[str, Any], folder: str, of: str = "") -> Stored:
    return Stored(
        name=file["name"],
        digest=file["hash"],
        size=file["size"],
        stored_at=file["created_at"],
        folder=folder,
        of=of,
    )


async def contents(request: Request[Any, Any, Any], head: Mapping[str, Any], made_at: datetime) -> SendHomePack:
    """What the pack says, in the language of the moment: what was packed, or is planned as long as nothing is."""
    rows = [row for row in await batches.lines(head) if row["live"] and row["packed"] != 0]
    facts = await custody.facts_of(head["owner_id"], [row["lot_id"] for row in rows])
    lines = [
        HomeLine(
            declaration_no=group.declaration_no,
            declaration_line=group.declaration_line,
            supervision_code=group.supervision_code,
            exported_on=group.exported_on,
            released_on=facts[group.rows[0]["lot_id"]].released_on,
            goods=[_goods(row) for row in group.rows],
            clocks=[_clock(each["clock"]) for each in group.clocks],
            eligibility=_answers(group.rows),
        )
        for group in await batch_words.groups(head, rows)
    ]
    return SendHomePack(
        number=head["number"],
        url=f"{request.app.state.settings.base_url}{path_of(head['id'])}",
        made_at=made_at,
        zone=head["time_zone"],
        warehouse=render.name(head["warehouse_names"]),
        warehouse_code=head["warehouse"],
        operator=render.name(head["operator_names"]),
        owner=render.name(head["owner_names"]),
        owner_code=head["owner"],
        home_area=head["home_area"],
        cause=law_facts.CAUSES[head["cause"]],
        is_unsold=head["cause"] == "unsold",
        planned_on=head["planned_on"],
        lines=lines,
        statement=head["statement"],
        carrier=head["carrier"],
        transport_no=head["transport_no"],
        return_declaration_no=head["return_declaration_no"],
    )


def _goods(row: Mapping[str, Any]) -> HomeGoods:
    return HomeGoods(
        item_code=row["item"],
        item_name=render.name(row["item_names"]),
        quantity=row["quantity"] if row["packed"] is None else row["packed"],
        condition=CONDITION_NAMES[Condition(row["condition"])],
        lot=row["lot"] or "",
        units=[row["unit"]] if row["unit"] else [],
    )


def _clock(found: law_rules.Clock) -> Clock:
    return Clock(
        name=law_rules.CLOCK_NAMES[found.name],
        state=law_rules.CLOCK_STATE_NAMES[found.state],
        starts_on=found.starts_on,
        ends_on=found.ends_on,
        remaining_days=found.remaining_days,
        rule=f"{found.rule_id} ({found.edition})" if found.rule_id else "",
        is_over=found.state is law_rules.ClockState.OVER,
        note=" ".join(law_words.said(note) for note in found.notes),
    )


def _answers(rows: list[dict[str, Any]]) -> list[Eligibility]:
    """What the rules said of the goods of one line: each answer once, even where units differ."""
    found: dict[tuple[str, str], Eligibility] = {}
    for row in rows:
        said = row["eligibility_kept"]
        for question, standing, effects in (
            (_CUSTOMS, said.customs, ("refused", "allowed")),
            (_TAX, said.tax, ("taxed", "exempt")),
        ):
            # What bars a return speaks first; else the rule that lets it in.
            speaking = [each for effect in effects for each in said.reasons if each.effect == effect]
            reason = next(iter(speaking), None)
            answer = law_rules.STANDING_NAMES[standing]
            found.setdefault(
                (question, answer),
                Eligibility(
                    question=question,
                    answer=answer,
                    because=reason.said.spoken(render.day) if reason else "",
                    rule=f"{reason.rule_id} ({reason.edition})" if reason else "",
                    source=reason.source if reason else "",
                    needs_person=standing is law_rules.Standing.PERSON,
                ),
            )
    return list(found.values())
