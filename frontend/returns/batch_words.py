"""Batches home in the reader's words: stages, causes, lines with what the law said of them, the clocks of each declaration line."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from backend.core import text
from backend.core.text import N_
from backend.regulations import facts as law_facts
from backend.regulations import queries as law
from backend.regulations import rules as law_rules
from backend.regulations import speech
from backend.returns import custody, home_rules
from backend.returns.eligibility import Eligibility
from backend.returns.home_rules import Stage
from backend.stages import rules as stages_rules
from backend.stages.rules import Subject
from frontend import render
from frontend.regulations import words as law_words
from frontend.stock import words as stock_words

STAGE_KINDS: Mapping[Stage, str] = {
    Stage.OPEN: "neutral",
    Stage.READY: "warn",
    Stage.PACKED: "warn",
    Stage.SENT: "warn",
    Stage.ARRIVED: "ok",
    Stage.CANCELLED: "neutral",
}
_BARS = ("refused", "taxed")


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a batch under one declaration line, with its five clocks as they stand today."""

    declaration_no: str
    declaration_line: int | None
    supervision_code: str
    exported_on: date | None
    clocks: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    pieces: int


def stages() -> dict[str, tuple[str, str]]:
    """How each stage is shown: the kind of its chip and its word."""
    return {each.value: (STAGE_KINDS[each], text.gettext(home_rules.STAGE_NAMES[each])) for each in Stage}


def causes() -> dict[str, str]:
    """The causes, in words."""
    return {cause: text.gettext(law_facts.CAUSES[cause]) for cause in home_rules.CAUSES}


def today() -> date:
    """The day on which clocks stand now."""
    return law.today()


def standing(found: law_rules.Standing) -> tuple[str, str]:
    """The kind of the chip and the word of what a return may expect."""
    return law_words.STANDING_KINDS[found], text.gettext(law_rules.STANDING_NAMES[found])


def verdict(found: Eligibility) -> dict[str, Any]:
    """What the law said of goods, as lists and pages show it."""
    reasons = [
        {
            "rule_id": each.rule_id,
            "edition": each.edition,
            "title": render.name(each.titles),
            "said": each.said.spoken(render.day),
            "bars": each.effect in _BARS,
            "needs_person": each.needs_person,
        }
        for each in found.reasons
    ]
    return {
        "customs": standing(found.customs),
        "tax": standing(found.tax),
        "closed": found.customs is law_rules.Standing.REFUSED,
        "taxed": found.tax is law_rules.Standing.TAXED,
        "needs_person": found.needs_person,
        "original_state": found.original_state,
        "returned_on": found.returned_on,
        "judged_on": found.judged_on,
        "reasons": sorted(reasons, key=lambda each: not each["bars"]),
        "missing": speech.facts(found.missing),
        "gaps": [each.spoken(render.day) for each in found.gaps],
        "duties": [each.spoken(render.day) for each in found.duties],
        "documents": speech.documents(found.documents),
        "tax_ends_on": next((each.ends_on for each in found.clocks if each.name == "tax_return"), None),
        "customs_ends_on": next((each.ends_on for each in found.clocks if each.name == "customs_return"), None),
    }


async def groups(head: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[Group]:
    """The lines of a batch by declaration line, in the order of `rows`, with the clocks of each."""
    facts = await custody.facts_of(head["owner_id"], [row["lot_id"] for row in rows])
    editions, now = await law.editions(), law.today()
    chips = list(stock_words.conditions().values())
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        kept = msgspec.convert(row["eligibility"], Eligibility)
        shown = {
            **row,
            "condition_chip": chips[row["condition"] - 1],
            "eligibility_kept": kept,
            "law": verdict(kept),
            "stock_href": "/stock/balances/"
            + "-".join(
                str(part)
                for part in (
                    *(head["warehouse_id"], row["owner_id"], row["item_id"], row["lot_id"], row["location_id"]),
                    row["condition"],
                )
            ),
        }
        own = (row["supervision_code"], row["exported_on"]) if not row["declaration_no"] else ()
        found.setdefault((row["declaration_no"], row["declaration_line"], *own), []).append(shown)
    return [
        Group(
            declaration_no=key[0] or "",
            declaration_line=key[1],
            supervision_code=lines[0]["supervision_code"] or "",
            exported_on=facts[lines[0]["lot_id"]].exported_on,
            clocks=[law_words.clock(each) for each in law_rules.clocks(editions, facts[lines[0]["lot_id"]], now)],
            rows=lines,
            pieces=sum(line["quantity"] for line in lines),
        )
        for key, lines in found.items()
    ]


def way(history: Sequence[Mapping[str, Any]], head: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How a batch came to where it is, as a timeline."""
    zone = head["time_zone"]
    events = [
        {
            "title": text.gettext(stages_rules.STAGE_NAMES[Subject.BATCH, row["stage"]]),
            "at": render.instant(row["entered_at"], zone),
            "state": "now" if row["left_at"] is None else "done",
            "text": text.gettext(N_("Due %(day)s"), day=render.instant(row["due_at"], zone))
            if row["left_at"] is None and row["due_at"]
            else "",
        }
        for row in history
    ]
    ended = {Stage.ARRIVED: head["arrived_at"], Stage.CANCELLED: history[-1]["left_at"] if history else None}
    if head["stage"] in ended:
        stage = Stage(head["stage"])
        at = render.instant(ended[stage], zone)
        events.append({"title": text.gettext(home_rules.STAGE_NAMES[stage]), "at": at, "state": "done", "text": ""})
    return events
