"""Light processing: goods go into a job and other goods come out of it, in one document of the ledger, lots carried through."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from backend.access.rules import Viewer
from backend.core import clock, journal, values
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.stock import actions as stock_actions
from backend.stock import ledger, lineage
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules
from backend.stock.rules import Condition, Place, Posting, Reason
from backend.value_added import jobs, made_lots, performing, queries, recipes, rules
from backend.value_added.performing import Step
from backend.value_added.recipes import Line, Made, Output, Pick, Recipe
from backend.value_added.rules import Act, Kind, Process, Stage, StepKind

SQL = blocks(Path(__file__).with_name("processing.sql"))
MOST_PICKS = 500
_UNDONE = N_("A transformation of job %(number)s was undone: %(why)s")
_NO_PLACE = N_("This warehouse has no location “%(value)s” that holds goods. Use one of its bins, DOCK or WORKSHOP.")
_NO_LOT = N_("“%(value)s” is not a lot that this input may be taken from. Choose one of those that are offered.")
_NO_LINE = N_("The recipe has no such line.")


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pieces taken for an input: its place in the recipe (from 0), lot (None: no lot), location, quantity."""

    line: int
    location: str
    quantity: int
    lot: str | None = None


class Put(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pieces of an output: its place in the recipe (from 0), where they are now, how they came out (None: as agreed)."""

    line: int
    location: str
    quantity: int
    condition: str | None = None


class Transformed(msgspec.Struct, frozen=True):
    """The step and its document in the ledger."""

    step_id: uuid.UUID
    document_id: uuid.UUID
    repeated: bool


async def transform(
    viewer: Viewer,
    job_id: uuid.UUID,
    *,
    runs: int,
    taken: Sequence[Taken],
    put: Sequence[Put],
    note: str = "",
    photos: Sequence[str] = (),
    request_key: str,
) -> Transformed:
    """Make `runs` runs of a job's recipe: what went in, and what came out, exactly as many pieces as the recipe says.

    Inputs are used up in the order given. Everything is one document; components that are not free refuse it
    (`NotEnoughFree`). Pieces that broke come out as damaged.
    """
    faults: list[Fault] = []
    said = rules.note("note", note, faults, most=stock_actions.LONGEST_TEXT)
    rules.key(request_key, faults)
    asked = values.digest(["transform", job_id, runs, list(taken), list(put), said, list(photos)])
    now = clock.now()
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_operator(viewer, job["warehouse_id"])
        if (before := await performing.stepped_before(viewer, job, request_key, asked)) is not None:
            return Transformed(before["id"], before["document_id"], True)
        rules.after(Stage(job["stage"]), Act.WORK)
        if Kind(job["kind"]) is not Kind.PROCESSING:
            faults.append(Fault("runs", runs, N_("Only light processing transforms goods.")))
            raise Invalid(faults)
        recipe = await _recipe(job)
        left = int(job["quantity"]) - await queries.runs_done(job["warehouse_id"], job_id)
        if not 0 < runs <= left:
            faults.append(
                Fault(
                    "runs", runs, N_("Give the number of runs, from 1 to the %(left)s that are left."), {"left": left}
                )
            )
        picks, made = await _pieces(job, recipe, taken, put, runs, faults)
        if faults:
            raise Invalid(faults)
        await _require_free(job, recipe, taken, picks)
        posted = await _book(viewer, job, recipe, picks, made, runs, said)
        step = Step(kind=StepKind.TRANSFORM, note=said, runs=runs, document_id=posted.document_id)
        step_id = await performing.keep_step(viewer, job, step, photos, request_key, asked, now)
        await performing.begin(viewer, job, now)
        after = {"runs": runs, "document": posted.document_id}
        await journal.write(
            viewer, "service.transformed", "service_job", job_id, after=after, warehouse_id=job["warehouse_id"]
        )
    return Transformed(step_id, posted.document_id, False)


async def _book(
    viewer: Viewer,
    job: Mapping[str, Any],
    recipe: Recipe,
    picks: Sequence[Sequence[Pick]],
    made: Sequence[Sequence[Made]],
    runs: int,
    note: str,
) -> ledger.Posted:
    """Everything that goes in and comes out as one document, and what new lots were made of."""
    batches = recipes.batches(recipe.ins, picks, runs)
    outputs = recipes.outputs(recipe, batches, await made_lots.held_by(recipe, batches))
    lots, new = await made_lots.lots_of(job, recipe, outputs)
    posted = await ledger.post(
        ledger.actor_of(viewer),
        job["warehouse_id"],
        Reason.TRANSFORMATION,
        [*_inputs(job, recipe, picks), *_outputs(job, recipe, outputs, lots, made)],
        request_key=f"transform:{values.new_id()}",
        request_hash=b"",
        reference=job["number"],
        note=note,
    )
    await lineage.remember(job["warehouse_id"], posted.document_id, job["owner_id"], new)
    return posted


async def undo_transform(viewer: Viewer, job_id: uuid.UUID, step_id: uuid.UUID, *, why: str) -> ledger.Posted:
    """Take a transformation back while the job is being done: the same goods back, once.

    What was made must still lie free where it was put.
    """
    faults: list[Fault] = []
    said = rules.note("why", why, faults, wanted=N_("Say why."), most=stock_actions.LONGEST_TEXT)
    now = clock.now()
    async with DB.transaction():
        job = await jobs.locked(viewer, job_id)
        rules.require_operator(viewer, job["warehouse_id"])
        rules.after(Stage(job["stage"]), Act.WORK)
        row = await DB.row(SQL["transform_step"], job["warehouse_id"], job_id, step_id)
        if row is None:
            raise rules.NoSuchJob
        if faults:
            raise Invalid(faults)
        posted = await stock_actions.undo(viewer, job["warehouse_id"], row["document_id"], note=said)
        step = Step(kind=StepKind.UNDONE, note=said, runs=row["runs"], document_id=posted.document_id)
        await performing.keep_step(viewer, job, step, (), f"undo:{step_id}", b"", now)
        await jobs.tell(job["owner_id"], job_id, _UNDONE, {"number": job["number"], "why": said}, "warn")
        after = {"document": row["document_id"], "reversal": posted.document_id}
        await journal.write(
            viewer, "service.undone", "service_job", job_id, after=after, warehouse_id=job["warehouse_id"]
        )
    return posted


# ------------------------------------------------------------------------------------------- what goes in and comes out


async def _recipe(job: Mapping[str, Any]) -> Recipe:
    rows = await DB.fetch(SQL["recipe"], job["warehouse_id"], job["id"])
    lines = [(row["side"], Line(row["item_id"], row["lot_id"], row["condition"], row["quantity"])) for row in rows]
    return Recipe(
        Process(job["process"]),
        tuple(line for side, line in lines if side == "in"),
        tuple(line for side, line in lines if side == "out"),
    )


async def _pieces(
    job: Mapping[str, Any],
    recipe: Recipe,
    taken: Sequence[Taken],
    put: Sequence[Put],
    runs: int,
    faults: list[Fault],
) -> tuple[list[list[Pick]], list[list[Made]]]:
    """What was taken and put, in ids and by line; every unknown code and wrong sum becomes a fault."""
    if len(taken) + len(put) > MOST_PICKS:
        sentence = N_("At most %(most)s lines at once are possible. Do some of the runs first.")
        faults.append(Fault("taken", len(taken) + len(put), sentence, {"most": MOST_PICKS}))
        return [], []
    codes = {values.code_of(each.location) for each in taken} | {values.code_of(each.location) for each in put}
    places = {row["code"]: row["id"] for row in await DB.fetch(SQL["places"], job["warehouse_id"], list(codes))}
    lots = await lineage.like_named(
        [line.item_id for line in recipe.ins], {values.code_of(each.lot) for each in taken if each.lot}, job["number"]
    )
    picks: list[list[Pick]] = [[] for _ in recipe.ins]
    made: list[list[Made]] = [[] for _ in recipe.outs]
    for number, each in enumerate(taken):
        field = f"taken.{number}"
        place = _place(field, each.location, places, faults)
        _quantity(field, each.quantity, faults)
        if not 0 <= each.line < len(recipe.ins):
            faults.append(Fault(f"{field}.line", each.line, _NO_LINE))
            continue
        line = recipe.ins[each.line]
        lot_id = lots.get((line.item_id, values.code_of(each.lot))) if each.lot else 0
        if lot_id is None or (line.lot_id is not None and line.lot_id != lot_id):
            faults.append(Fault(f"{field}.lot", each.lot or "", _NO_LOT, {"value": each.lot or ""}))
            continue
        picks[each.line].append(Pick(lot_id, place, each.quantity))
    for number, out in enumerate(put):
        field = f"put.{number}"
        place = _place(field, out.location, places, faults)
        _quantity(field, out.quantity, faults)
        if not 0 <= out.line < len(recipe.outs):
            faults.append(Fault(f"{field}.line", out.line, _NO_LINE))
            continue
        agreed = Condition(recipe.outs[out.line].condition)
        condition = Condition.__members__.get(out.condition) if out.condition else agreed
        if condition is None:
            sentence = N_("“%(value)s” is not a condition. Use GOOD, SECOND, DAMAGED or QUARANTINE.")
            faults.append(Fault(f"{field}.condition", out.condition, sentence, {"value": out.condition}))
            continue
        faults += recipes.condition_faults(recipe.ins, [(field, int(condition))], job["return_unit_id"] is not None)
        made[out.line].append(Made(place, int(condition), out.quantity))
    if not faults:
        faults += _sum_faults(recipe, picks, made, runs)
    return picks, made


def _place(field: str, code: str, places: Mapping[str, int], faults: list[Fault]) -> int:
    place = places.get(values.code_of(code))
    if place is None:
        faults.append(Fault(f"{field}.location", code, _NO_PLACE, {"value": code}))
    return place or 0


def _quantity(field: str, quantity: int, faults: list[Fault]) -> None:
    if not 0 < quantity <= values.LARGEST_QUANTITY:
        faults.append(values.quantity_fault(f"{field}.quantity", quantity))


def _sum_faults(
    recipe: Recipe, picks: Sequence[Sequence[Pick]], made: Sequence[Sequence[Made]], runs: int
) -> list[Fault]:
    """Where more or fewer pieces go in or come out than the runs of the recipe say."""
    sides: list[tuple[str, Sequence[Line], Sequence[Sequence[Pick | Made]], str]] = [
        ("taken", recipe.ins, picks, N_("%(runs)s runs take %(wanted)s pieces of this input; %(given)s were given.")),
        ("put", recipe.outs, made, N_("%(runs)s runs give %(wanted)s pieces of this output; %(given)s were given.")),
    ]
    faults = []
    for name, lines, pieces, sentence in sides:
        for number, (line, many) in enumerate(zip(lines, pieces, strict=True)):
            given, wanted = sum(each.quantity for each in many), line.quantity * runs
            if given != wanted:
                facts = {"runs": runs, "wanted": wanted, "given": given}
                faults.append(Fault(f"{name}.line{number}", given, sentence, facts))
    return faults


async def _require_free(
    job: Mapping[str, Any], recipe: Recipe, taken: Sequence[Taken], picks: Sequence[Sequence[Pick]]
) -> None:
    """What is taken is free where it is said to lie.

    The ledger sees to it for all that changes a balance; pieces that come out again where they went in change none.
    """
    wanted: dict[stock_queries.BalanceAt, int] = {}
    lines: dict[stock_queries.BalanceAt, list[int]] = {}
    for number, (line, many) in enumerate(zip(recipe.ins, picks, strict=True)):
        fields = [n for n, each in enumerate(taken) if each.line == number]
        for field, pick in zip(fields, many, strict=True):
            key = (job["warehouse_id"], job["owner_id"], line.item_id, pick.lot_id, pick.location_id, line.condition)
            wanted[key] = wanted.get(key, 0) + pick.quantity
            lines.setdefault(key, []).append(field)
    free = await stock_queries.free_of(list(wanted))
    codes = {row["id"]: row["code"] for row in await DB.fetch(SQL["items"], [line.item_id for line in recipe.ins])}
    faults = [
        Fault(
            f"taken.{field}.quantity",
            taken[field].quantity,
            stock_rules.NotEnoughFree.line,
            {"free": free[key], "item": codes[key[2]], "location": taken[field].location, "wanted": pieces},
        )
        for key, pieces in wanted.items()
        if pieces > free[key]
        for field in lines[key]
    ]
    if faults:
        raise stock_rules.NotEnoughFree(faults)


def _inputs(job: Mapping[str, Any], recipe: Recipe, picks: Sequence[Sequence[Pick]]) -> list[Posting]:
    return [
        Posting(
            job["owner_id"],
            line.item_id,
            pick.lot_id,
            pick.location_id,
            int(Place.TRANSFORM),
            line.condition,
            line.condition,
            pick.quantity,
        )
        for line, taken in zip(recipe.ins, picks, strict=True)
        for pick in taken
    ]


def _outputs(
    job: Mapping[str, Any],
    recipe: Recipe,
    outputs: Sequence[Output],
    lots: Sequence[int],
    made: Sequence[Sequence[Made]],
) -> list[Posting]:
    """What came out, each lot of it where it was put; pieces lie in the order in which they were made."""
    sums: dict[tuple[int, int, int, int], int] = {}
    for number, line in enumerate(recipe.outs):
        stream = [(lot, each.quantity) for each, lot in zip(outputs, lots, strict=True) if each.line == number]
        there = [((each.location_id, each.condition), each.quantity) for each in made[number]]
        for lot_id, (location_id, condition), pieces in recipes.cut(stream, there):
            key = (line.item_id, lot_id, location_id, condition)
            sums[key] = sums.get(key, 0) + pieces
    return [
        Posting(job["owner_id"], item_id, lot_id, int(Place.TRANSFORM), location_id, condition, condition, pieces)
        for (item_id, lot_id, location_id, condition), pieces in sums.items()
    ]
