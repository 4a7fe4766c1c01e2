"""The arithmetic of light processing: what a recipe may be, and how lots go through it piece by piece. Pure.

A recipe says what one run takes in and gives out. Pieces are used up in the order in which they were picked, so that each
run is made of exactly known lots; runs made of the same lots form a batch, and each batch gives its own lot. So every lot
is made of whole, known pieces, and a trace is exact in both directions.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import gcd
from typing import TypeVar

import msgspec

from backend.core.errors import Fault
from backend.core.text import N_
from backend.stock.origins import Goods, LotFacts, Origin
from backend.stock.rules import Condition
from backend.value_added.rules import MOST_LINES, Process

Content = Mapping[Goods, int]
"""How many pieces of which goods one run is made of."""
T = TypeVar("T")
U = TypeVar("U")


class Line(msgspec.Struct, frozen=True):
    """What one run takes in or gives out: pieces of an item in a condition; an input may name its lot."""

    item_id: int
    lot_id: int | None
    condition: int
    quantity: int


class Recipe(msgspec.Struct, frozen=True):
    """What one run takes in and gives out."""

    process: Process
    ins: tuple[Line, ...]
    outs: tuple[Line, ...]

    @property
    def keeps_its_goods(self) -> bool:
        """Whether what comes out is the very item that went in, piece for piece: new label, new box, same goods."""
        one = len(self.ins) == len(self.outs) == 1
        return one and (self.ins[0].item_id, self.ins[0].quantity) == (self.outs[0].item_id, self.outs[0].quantity)


class Pick(msgspec.Struct, frozen=True):
    """Pieces taken for an input."""

    lot_id: int
    location_id: int
    quantity: int


class Made(msgspec.Struct, frozen=True):
    """Pieces of an output: where they were put, and in what condition they came out."""

    location_id: int
    condition: int
    quantity: int


class Batch(msgspec.Struct, frozen=True):
    """Runs that were made of the same goods."""

    runs: int
    content: Content


class Output(msgspec.Struct, frozen=True):
    """Pieces of one output line that are of one lot: a known one, or a new one made of `origins`."""

    line: int
    lot_id: int | None
    origins: tuple[Origin, ...]
    quantity: int


# ------------------------------------------------------------------------------------------------------- the recipe

_WORSE = {Condition.GOOD: 0, Condition.SECOND: 1, Condition.DAMAGED: 2}
_IN = N_("Say what goes in.")
_OUT = N_("Say what comes out.")
_ONE_OUT = N_("Kits are of one item. Leave one line of what comes out.")
_ONE_KIT = N_("One kit is taken apart in a run. Give one line with one piece of what goes in.")
_PARTS = N_("A kit is made of two pieces at least. Add what else goes into it.")
_ONE_TO_ONE = N_("A piece is relabelled to a piece. Give one line with one piece on either side.")
_ONE_ITEM = N_("Goods of one item are repacked into another packing. Give one line on either side.")
_SAME = N_("Pieces of one item stay as many as they are when they are repacked. Give the same quantity on either side.")
_ON_BOTH = N_("The same item goes in and comes out. Give another item for what is made.")
_TWICE = N_("This item is named twice here. Put it into one line.")
_BETTER = N_("What comes out cannot be in a better condition than what goes in. Choose the condition of the input.")
_MANY = N_("A recipe has at most %(most)s lines.")


def faults_of(recipe: Recipe, *, from_return: bool = False) -> list[Fault]:
    """Everything wrong with a recipe; fields are ``ins`` and ``outs``, with the number of the line where it is one line's.

    Goods from a return wait in quarantine for the decision of their owner, which a job that goes on from there has got.
    """
    ins, outs = recipe.ins, recipe.outs
    if not ins or not outs:
        return [Fault(field, "", said) for field, side, said in (("ins", ins, _IN), ("outs", outs, _OUT)) if not side]
    if len(ins) + len(outs) > MOST_LINES:
        return [Fault("ins", len(ins) + len(outs), _MANY, {"most": MOST_LINES})]
    faults: list[Fault] = []
    match recipe.process:
        case Process.KIT:
            if len(outs) != 1:
                faults.append(Fault("outs", len(outs), _ONE_OUT))
            if sum(line.quantity for line in ins) < 2:
                faults.append(Fault("ins", len(ins), _PARTS))
        case Process.DEKIT:
            if len(ins) != 1 or ins[0].quantity != 1:
                faults.append(Fault("ins", len(ins), _ONE_KIT))
        case Process.RELABEL:
            if any(len(side) != 1 or side[0].quantity != 1 for side in (ins, outs)):
                faults.append(Fault("ins", len(ins), _ONE_TO_ONE))
        case Process.REPACK:
            if len(ins) != 1 or len(outs) != 1:
                faults.append(Fault("ins", len(ins), _ONE_ITEM))
            elif ins[0].item_id == outs[0].item_id and ins[0].quantity != outs[0].quantity:
                faults.append(Fault("outs.0.quantity", outs[0].quantity, _SAME))
    if not recipe.keeps_its_goods:
        taken = {line.item_id for line in ins}
        faults += [
            Fault(f"outs.{n}.item", line.item_id, _ON_BOTH) for n, line in enumerate(outs) if line.item_id in taken
        ]
    for field, keys in (
        ("ins", [(line.item_id, line.lot_id, line.condition) for line in ins]),
        ("outs", [(line.item_id, None, 0) for line in outs]),
    ):
        faults += [Fault(f"{field}.{n}.item", key[0], _TWICE) for n, key in enumerate(keys) if key in keys[:n]]
    faults += condition_faults(ins, ((f"outs.{n}", line.condition) for n, line in enumerate(outs)), from_return)
    return faults


def condition_faults(ins: Iterable[Line], made: Iterable[tuple[str, int]], from_return: bool) -> list[Fault]:
    """A fault for each output (its field, its condition) that would be better than what goes in."""
    before = {Condition(line.condition) for line in ins}
    quarantined = Condition.QUARANTINE in before
    worst = max((_WORSE[each] for each in before if each is not Condition.QUARANTINE), default=0)
    faults = []
    for field, condition in made:
        now = Condition(condition)
        if now is Condition.QUARANTINE:
            continue
        if (quarantined and not from_return and now is not Condition.DAMAGED) or _WORSE[now] < worst:
            faults.append(Fault(f"{field}.condition", now.name, _BETTER))
    return faults


# ------------------------------------------------------------------------------------------------------ piece by piece


def batches(ins: Sequence[Line], picks: Sequence[Sequence[Pick]], runs: int) -> list[Batch]:
    """What `runs` runs are made of, in order, when the pieces are used up in the order of `picks` (one list an input).

    The picks of an input have exactly as many pieces as the runs need. At most a few batches a pick, however many runs.
    """
    edges = {0, runs}
    streams: list[list[tuple[int, Goods]]] = []
    for line, taken in zip(ins, picks, strict=True):
        upto, stream = 0, []
        for pick in taken:
            upto += pick.quantity
            stream.append((upto, (line.item_id, pick.lot_id)))
            edges |= {upto // line.quantity, -(-upto // line.quantity)}
        if upto != line.quantity * runs:
            raise ValueError(f"{upto} pieces for {runs} runs of {line.quantity}")
        streams.append(stream)
    found: list[Batch] = []
    cuts = sorted(edges)
    for start, end in pairwise(cuts):
        content: dict[Goods, int] = {}
        for line, stream in zip(ins, streams, strict=True):
            for goods, pieces in _between(stream, start * line.quantity, (start + 1) * line.quantity):
                content[goods] = content.get(goods, 0) + pieces
        if found and found[-1].content == content:
            found[-1] = Batch(found[-1].runs + end - start, content)
        else:
            found.append(Batch(end - start, content))
    return found


def _between(stream: Sequence[tuple[int, Goods]], first: int, last: int) -> list[tuple[Goods, int]]:
    """The pieces from `first` up to `last` of a stream of (where it ends, goods)."""
    found, begin = [], 0
    for end, goods in stream:
        pieces = min(end, last) - max(begin, first)
        if pieces > 0:
            found.append((goods, pieces))
        begin = end
    return found


def outputs(recipe: Recipe, made_of: Sequence[Batch], held: Mapping[Goods, Content]) -> list[Output]:
    """What the batches give, line by line in order of the runs.

    `held` says what a kit holds, as far as it is known, in terms of what comes out: then the very lots that went in come
    out again. Everything else becomes a lot of its own, made of what its batch was made of.
    """
    pieces_out = sum(line.quantity for line in recipe.outs)
    found: list[Output] = []
    for number, line in enumerate(recipe.outs):
        for batch in made_of:
            if recipe.keeps_its_goods:
                found += [
                    Output(number, lot_id, (), pieces * batch.runs) for (_, lot_id), pieces in batch.content.items()
                ]
                continue
            (goods, *others) = batch.content
            if not others and (inside := held.get(goods)) is not None:
                found += [
                    Output(number, lot_id, (), pieces * batch.runs)
                    for (item_id, lot_id), pieces in inside.items()
                    if item_id == line.item_id
                ]
                continue
            found.append(Output(number, None, _origins(batch.content, pieces_out), line.quantity * batch.runs))
    return found


def _origins(content: Content, per: int) -> tuple[Origin, ...]:
    """A run's content as that of its pieces: each of the `per` pieces that a run gives holds an equal share."""
    found = []
    for (item_id, lot_id), pieces in content.items():
        common = gcd(pieces, per)
        found.append(Origin(item_id, lot_id, pieces // common, per // common))
    return tuple(sorted(found))


def cut(first: Iterable[tuple[T, int]], second: Iterable[tuple[U, int]]) -> list[tuple[T, U, int]]:
    """Two streams of pieces of the same length laid beside each other: what lies beside what, and how many pieces."""
    found: list[tuple[T, U, int]] = []
    right = iter(second)
    other, there = next(right, (None, 0))
    for one, here in first:
        left = here
        while left:
            if not there:
                other, there = next(right)
            both = min(left, there)
            found.append((one, other, both))  # type: ignore[arg-type]
            left, there = left - both, there - both
    return found


def lot_facts(process: Process, item_id: int, made_of: Sequence[Origin], inputs: Mapping[int, LotFacts]) -> LotFacts:
    """What a new lot says of itself. Goods that get a new label or box, and parts of a kit that was declared as one, stay
    under the declaration line they left the country under, if it is one and the same; a kit is of several lines and
    carries none. A lot expires with the first of its parts. The code is empty where the job names the lot.
    """
    parts = [inputs.get(origin.lot_id) or LotFacts(item_id=0, code="") for origin in made_of]
    declared = {(each.declaration_no, each.declaration_line, each.supervision_code, each.exported_on) for each in parts}
    no, line, supervision_code, exported_on = next(iter(declared)) if len(declared) == 1 else (None,) * 4
    if process is Process.KIT or len(declared) != 1:
        no = line = None
        codes = {each.supervision_code for each in parts}
        supervision_code = next(iter(codes)) if len(codes) == 1 else None
        exported_on = min((each.exported_on for each in parts if each.exported_on), default=None)
    keeps_code = process in (Process.RELABEL, Process.REPACK) and len(parts) == 1
    return LotFacts(
        item_id=item_id,
        code=parts[0].code if keeps_code else "",
        declaration_no=no,
        declaration_line=line,
        supervision_code=supervision_code,
        exported_on=exported_on,
        expires_on=min((each.expires_on for each in parts if each.expires_on), default=None),
    )
