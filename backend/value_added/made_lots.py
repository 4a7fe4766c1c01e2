"""The lots of what comes out of light processing: those that went in, when a kit is taken apart, or new ones that remember
what they were made of.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from backend.core.database import DB, blocks
from backend.core.errors import Fault
from backend.core.text import N_
from backend.stock import lineage, origins
from backend.stock.origins import Edges, Goods, LotFacts, Origin
from backend.value_added import recipes, rules
from backend.value_added.recipes import Batch, Output, Recipe
from backend.value_added.rules import Process

SQL = blocks(Path(__file__).with_name("processing.sql"))


async def held_by(recipe: Recipe, batches: Sequence[Batch]) -> dict[Goods, recipes.Content]:
    """What the kits to be taken apart hold, as far as it is known; refuses another recipe than that of the kit."""
    if recipe.process is not Process.DEKIT:
        return {}
    kits = [goods for batch in batches for goods in batch.content if goods[1]]
    edges = lineage.edges_of(await lineage.below([lot_id for _, lot_id in kits]))
    wanted = {line.item_id: line.quantity for line in recipe.outs}
    held: dict[Goods, recipes.Content] = {}
    for kit in kits:
        found = origins.inside(kit, edges, frozenset(wanted))
        if not any(item_id in wanted for item_id, _ in found):
            continue
        sums: dict[int, int] = {}
        for (item_id, _), pieces in found.items():
            sums[item_id] = sums.get(item_id, 0) + int(pieces)
        if sums != wanted or any(pieces.denominator != 1 for pieces in found.values()):
            raise await _other_kit(kit, found)
        held[kit] = {goods: int(pieces) for goods, pieces in found.items()}
    return held


async def _other_kit(kit: Goods, found: Mapping[Goods, Any]) -> rules.KitsOnly:
    codes = {row["id"]: row["code"] for row in await DB.fetch(SQL["items"], [item_id for item_id, _ in found])}
    facts = (await lineage.facts_of([kit[1]]))[kit[1]]
    sums: dict[int, Any] = {}
    for (item_id, _), pieces in found.items():
        sums[item_id] = sums.get(item_id, 0) + pieces
    holds = [f"{pieces} × {codes[item_id]}" for item_id, pieces in sums.items()]
    sentence = N_("A kit of lot %(lot)s holds %(holds)s. Ask for a job that takes exactly these out of it.")
    return rules.KitsOnly([Fault("taken", facts.code, sentence, {"lot": facts.code, "holds": holds})])


async def lots_of(
    job: Mapping[str, Any], recipe: Recipe, outputs: Sequence[Output]
) -> tuple[list[int], dict[int, tuple[Origin, ...]]]:
    """The lot of each output, those that are not there yet registered; and what each new one is made of.

    A lot that is made of the same and bears the same name is the same lot.
    """
    made = [(recipe.outs[each.line].item_id, each.origins) for each in outputs if each.lot_id is None]
    wanted = list(dict.fromkeys(made))
    inputs = await lineage.facts_of({origin.lot_id for _, many in wanted for origin in many if origin.lot_id})
    named = {key: recipes.lot_facts(recipe.process, key[0], key[1], inputs) for key in wanted}
    there = await lineage.like_named(
        {item_id for item_id, _ in wanted}, {facts.code for facts in named.values() if facts.code}, f"{job['number']}-"
    )
    edges = lineage.edges_of(await lineage.below(there.values())) if there else {}
    found: dict[tuple[int, tuple[Origin, ...]], int] = {}
    new: dict[tuple[int, tuple[Origin, ...]], LotFacts] = {}
    numbers = {code for _, code in there}
    for key, facts in named.items():
        known = _same(there, edges, key, facts, job["number"])
        if known is not None:
            found[key] = known
            continue
        code = facts.code
        if not code or (key[0], code) in there:
            code = next(name for n in range(1, 10**6) if (name := f"{job['number']}-{n}") not in numbers)
            numbers.add(code)
        new[key] = msgspec.structs.replace(facts, code=code)
    ids = await lineage.register(job["owner_id"], list(new.values()))
    found |= dict(zip(new, ids, strict=True))
    lots = [
        each.lot_id if each.lot_id is not None else found[recipe.outs[each.line].item_id, each.origins]
        for each in outputs
    ]
    return lots, {found[key]: key[1] for key in new}


def _same(
    there: Mapping[tuple[int, str], int],
    edges: Edges,
    key: tuple[int, tuple[Origin, ...]],
    facts: LotFacts,
    number: str,
) -> int | None:
    """A lot that is there already, made of the same, and named alike."""
    for (item_id, code), lot_id in there.items():
        alike = code == facts.code or code.startswith(f"{number}-")
        if item_id == key[0] and alike and tuple(sorted(edges.get(lot_id, ()))) == key[1]:
            return lot_id
    return None
