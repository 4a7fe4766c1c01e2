"""What the committee does to rules and exporters to their lines: kept, in the journal, refused when wrong."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from backend.access.rules import Role, Viewer
from backend.core import values
from backend.core.database import DB
from backend.core.errors import Conflict, Invalid, NotAllowed, Refusal
from backend.regulations import actions, queries, rules, writing
from backend.regulations.editions import Status
from backend.regulations.rulebook import RulesInvalid
from backend.stock import actions as stock_actions
from backend.stock.rules import NoSuchDeclarationLine, SameKeyOtherRequest
from tests import build
from tests.regulations.test_reading import raw

pytestmark = pytest.mark.usefixtures("database")


async def registrar() -> Viewer:
    return await build.committee(Role.REGISTRAR)


async def lot(exporter: Viewer, number: str, line: int = 1, **more: Any) -> str:
    """A lot of a fresh item under a declaration line; the item's code."""
    item = await build.item(exporter)
    given = {"supervision_code": "9810", "exported_on": date(2026, 3, 10), **more}
    await stock_actions.register_lot(
        exporter,
        owner=exporter.organisation_code,
        item=item.code,
        code=f"L-{values.new_id()}".upper(),
        declaration_no=number,
        declaration_line=line,
        **given,
    )
    return item.code


def key() -> str:
    return str(values.new_id())


async def test_an_added_edition_counts_at_once_and_its_act_is_kept() -> None:
    viewer = await registrar()
    made = await actions.add_edition(viewer, raw(rule="RET-ADDED"), note="New act", request_key=key())
    assert (await queries.editions()).pick("RET-ADDED", date(2026, 5, 1)) == made
    (act,) = await queries.history("RET-ADDED")
    assert (act["act"], act["note"], act["actor"]) == ("added", "New act", viewer.name)
    entry = await DB.row("select * from journal where subject = 'rule' and subject_id = 'RET-ADDED/2026-01-01'")
    assert entry is not None
    assert entry["after"]["edition"]["title"]["en"] == "Test"


async def test_the_same_key_adds_once_and_refuses_another_edition() -> None:
    viewer, once = await registrar(), key()
    for _ in range(2):
        await actions.add_edition(viewer, raw(rule="RET-TWICE"), note="New act", request_key=once)
    assert len(await queries.history("RET-TWICE")) == 1
    with pytest.raises(SameKeyOtherRequest):
        await actions.add_edition(viewer, raw(rule="RET-OTHER"), note="New act", request_key=once)


async def test_an_edition_that_overlaps_is_refused_with_the_other_one_named() -> None:
    viewer = await registrar()
    with pytest.raises(RulesInvalid) as refused:
        await actions.add_edition(
            viewer,
            raw(rule="RET-TAX-CAUSE", **{"from": date(2027, 6, 1), "to": date(2028, 1, 1)}),
            note="x",
            request_key=key(),
        )
    (fault,) = refused.value.faults
    assert (fault.field, fault.facts["earlier"]) == ("from", "2026-01-01")
    assert not await queries.history("RET-TAX-CAUSE")


async def test_two_reliefs_for_the_same_days_are_refused_until_one_is_withdrawn() -> None:
    viewer = await registrar()
    relief = raw(
        rule="RET-TAX-2028", part="relief", must=[], fails="", **{"from": date(2028, 1, 1), "to": date(2029, 12, 31)}
    )
    with pytest.raises(RulesInvalid):
        await actions.add_edition(viewer, relief, note="Prolonged", request_key=key())
    await actions.end_edition(
        viewer, "RET-TAX-NONE", "2028-01-01", 0, ends_on=None, note="Prolonged", request_key=key()
    )
    assert (await queries.editions()).of("RET-TAX-NONE") == ()
    await actions.add_edition(viewer, relief, note="Prolonged", request_key=key())
    line = rules.LineFacts(exported_on=date(2028, 5, 1), supervision_code="9810", refund_taken=False)
    facts = rules.ReturnFacts(line=line, returned_on=date(2028, 6, 1), cause="unsold", original_state=True)
    assert rules.judge_return(await queries.editions(), facts).tax is rules.Standing.EXEMPT


async def test_an_edition_is_ended_with_its_last_day_and_another_follows() -> None:
    viewer = await registrar()
    await actions.end_edition(
        viewer, "VAT-36M", "2026-01-01", 0, ends_on=date(2027, 12, 31), note="Replaced", request_key=key()
    )
    found = await queries.editions()
    ended = found.edition("VAT-36M", "2026-01-01")
    assert ended is not None
    assert (ended.status, ended.ends_on) == (Status.ENDED, date(2027, 12, 31))
    assert found.pick("VAT-36M", date(2028, 1, 1)) is None
    assert found.pick("VAT-36M", date(2027, 12, 31)) == ended


async def test_an_edition_ends_neither_before_it_begins_nor_for_somebody_who_saw_an_older_one() -> None:
    viewer = await registrar()
    with pytest.raises(Invalid) as refused:
        await actions.end_edition(
            viewer, "HS-VER", "2028-01-01", 0, ends_on=date(2027, 1, 1), note="x", request_key=key()
        )
    assert [fault.field for fault in refused.value.faults] == ["to"]
    await actions.end_edition(
        viewer, "HS-VER", "2028-01-01", 0, ends_on=date(2032, 12, 31), note="HS 2033", request_key=key()
    )
    with pytest.raises(rules.EditionChanged):
        await actions.end_edition(
            viewer, "HS-VER", "2028-01-01", 0, ends_on=date(2031, 12, 31), note="x", request_key=key()
        )


async def test_a_checked_edition_is_corrected_and_keeps_its_first_day() -> None:
    viewer = await registrar()
    before = (await queries.editions()).edition("VAT-DOC-15D", "2026-01-01")
    assert before is not None
    assert before.is_doubtful
    given = writing.raw_of(before) | {"status": "live", "doubts": [], "from": "2020-01-01", "rule": "X-Y"}
    await actions.correct_edition(
        viewer, "VAT-DOC-15D", "2026-01-01", 0, given, note="Original read", request_key=key()
    )
    after = (await queries.editions()).edition("VAT-DOC-15D", "2026-01-01")
    assert after is not None
    assert not after.is_doubtful


async def test_of_two_that_add_the_same_at_once_one_is_refused() -> None:
    viewer = await registrar()
    made = await asyncio.gather(
        *(
            actions.add_edition(viewer, raw(rule="RET-RACE", value=str(n)), note="x", request_key=key())
            for n in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, rules.EditionExists) for each in made) == 3
    assert len(await queries.history("RET-RACE")) == 1


@pytest.mark.parametrize("role", [Role.ASSESSOR, Role.CHAIR])
async def test_only_a_registrar_keeps_rules(role: Role) -> None:
    for viewer in (await build.committee(role), await build.exporter(), await build.operator()):
        with pytest.raises(NotAllowed):
            await actions.add_edition(viewer, raw(), note="x", request_key=key())
        with pytest.raises(NotAllowed):
            await actions.end_edition(viewer, "HS-VER", "2022-01-01", 0, ends_on=None, note="x", request_key=key())


async def test_everything_missing_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        await actions.add_edition(await registrar(), raw(title={}, status=""), note=" ", request_key="")
    fields = {fault.field for fault in refused.value.faults}
    assert fields == {"note", "Idempotency-Key", "title_zh", "title_en", "title_ar", "status"}


async def test_kept_editions_are_never_changed() -> None:
    await actions.add_edition(await registrar(), raw(rule="RET-FOREVER"), note="x", request_key=key())
    for statement in ("update rule_edition set note = 'y'", "delete from rule_edition"):
        with pytest.raises(Exception, match="append-only"):
            await DB.run(statement)


# ------------------------------------------------------------------------------------------------------------- lines


async def test_an_exporter_states_what_it_knows_of_its_own_line() -> None:
    exporter = await build.exporter()
    await lot(exporter, "460420260000000001")
    line = await queries.line(exporter, "460420260000000001", 1)
    assert (line.facts.customs_area, line.facts.exported_on, line.facts.released_on) == (
        "4604",
        date(2026, 3, 10),
        None,
    )
    given = {"released_on": "2026-03-09", "is_food": "no", "refund_taken": "yes"}
    stated = await actions.state_declaration_facts(exporter, "460420260000000001", 1, 0, given)
    assert (stated.facts.released_on, stated.facts.is_food, stated.facts.refund_taken) == (
        date(2026, 3, 9),
        False,
        True,
    )
    assert stated.facts.exported_on == date(2026, 3, 10)
    with pytest.raises(Conflict):
        await actions.state_declaration_facts(exporter, "460420260000000001", 1, 0, given)
    entry = await DB.row("select * from journal where subject = 'declaration_line' order by id desc limit 1")
    assert entry is not None
    assert entry["after"]["released_on"] == "2026-03-09"
    facts = await queries.facts_of([(stated.owner_id, "460420260000000001", 1), (stated.owner_id, "nothing", 9)])
    assert list(facts.values()) == [stated.facts]


async def test_wrong_facts_are_all_named() -> None:
    exporter = await build.exporter()
    await lot(exporter, "D-1")
    given = {
        "exported_on": "2026-03-10",
        "settled_on": "2026-03-01",
        "released_on": "tomorrow",
        "filed_on": (queries.today() + timedelta(days=3)).isoformat(),
        "customs_area": "46",
        "supervision_code": "98100",
        "is_food": "perhaps",
    }
    with pytest.raises(Invalid) as refused:
        await actions.state_declaration_facts(exporter, "D-1", 1, 0, given)
    fields = {fault.field for fault in refused.value.faults}
    assert fields == {"settled_on", "released_on", "filed_on", "customs_area", "supervision_code", "is_food"}
    assert (await queries.line(exporter, "D-1", 1)).revision == 0


async def test_a_line_that_does_not_exist_or_is_somebody_elses_is_refused_alike() -> None:
    exporter, other, operator = await build.exporter(), await build.exporter(), await build.operator()
    await lot(exporter, "D-2")
    for viewer, number, line in ((exporter, "D-3", 1), (exporter, "D-2", 2), (other, "D-2", 1), (operator, "D-2", 1)):
        with pytest.raises(NoSuchDeclarationLine):
            await queries.line(viewer, number, line)
    for viewer in (other, operator, await build.committee()):
        with pytest.raises(Refusal):
            await actions.state_declaration_facts(viewer, "D-2", 1, 0, {"is_food": "no"})
    assert (await queries.line(await build.committee(), "D-2", 1)).owner == exporter.organisation_code


async def test_lots_that_disagree_leave_the_fact_open_until_it_is_stated() -> None:
    exporter = await build.exporter()
    await lot(exporter, "D-4")
    await lot(exporter, "D-4", exported_on=date(2026, 3, 12), supervision_code="9610")
    line = await queries.line(exporter, "D-4", 1)
    assert (line.lots, line.items, line.dates_differ, line.codes_differ) == (2, 2, True, True)
    assert (line.facts.exported_on, line.facts.supervision_code) == (None, None)
    given = {"exported_on": "2026-03-11", "supervision_code": "9810"}
    stated = await actions.state_declaration_facts(exporter, "D-4", 1, 0, given)
    assert (stated.facts.exported_on, stated.facts.supervision_code) == (date(2026, 3, 11), "9810")


async def test_two_exporters_may_have_lots_under_one_declaration_number() -> None:
    one, other = await build.exporter(), await build.exporter()
    await lot(one, "D-5")
    await lot(other, "D-5", exported_on=date(2026, 4, 1))
    assert (await queries.line(other, "D-5", 1)).facts.exported_on == date(2026, 4, 1)
    committee = await build.committee()
    assert (await queries.line(committee, "D-5", 1, other.organisation_code)).owner == other.organisation_code


async def test_the_list_of_lines_shows_only_the_viewers_own() -> None:
    one, other = await build.exporter(), await build.exporter()
    item = await lot(one, "E-100", 2)
    await lot(one, "E-100", 1)
    await lot(other, "E-100")

    async def seen(viewer: Viewer, **filters: str) -> list[tuple[str, int]]:
        page = await queries.LINES.page(await queries.line_clauses(viewer, filters))
        return [(row["owner"], row["declaration_line"]) for row in page.rows]

    assert await seen(one) == [(one.organisation_code, 1), (one.organisation_code, 2)]
    assert await seen(one, item=item) == [(one.organisation_code, 2)]
    assert await seen(one, declaration="E-1") == [(one.organisation_code, 1), (one.organisation_code, 2)]
    assert await seen(one, declaration="F") == []
    assert await seen(await build.operator()) == []
    assert await seen(await build.committee(), owner=other.organisation_code) == [(other.organisation_code, 1)]
