"""The arithmetic of light processing: which recipes make sense, and how pieces go through them one by one."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.stock import origins
from backend.stock.origins import LotFacts, Origin
from backend.stock.rules import Condition
from backend.value_added import recipes
from backend.value_added.recipes import Line, Pick, Recipe
from backend.value_added.rules import Process

A, B, C, K = 1, 2, 3, 9
GOOD, SECOND, DAMAGED, QUARANTINE = 1, 2, 3, 4


def made(process: str, ins: list[tuple[int, ...]], outs: list[tuple[int, ...]]) -> Recipe:
    """A recipe of (item, quantity[, condition]) on either side."""

    def lines(side: list[tuple[int, ...]]) -> tuple[Line, ...]:
        return tuple(Line(each[0], None, each[2] if len(each) > 2 else GOOD, each[1]) for each in side)

    return Recipe(Process(process), lines(ins), lines(outs))


@pytest.mark.parametrize(
    ("recipe", "fields"),
    [
        (made("kit", [(A, 2), (B, 1)], [(K, 1)]), set()),
        (made("kit", [(A, 1)], [(K, 1)]), {"ins"}),
        (made("kit", [(A, 2), (B, 1)], [(K, 1), (C, 1)]), {"outs"}),
        (made("kit", [(A, 2), (K, 1)], [(K, 1)]), {"outs.0.item"}),
        (made("kit", [(A, 1), (A, 1)], [(K, 1)]), {"ins.1.item"}),
        (made("kit", [], []), {"ins", "outs"}),
        (made("dekit", [(K, 1)], [(A, 2), (B, 1)]), set()),
        (made("dekit", [(K, 2)], [(A, 2)]), {"ins"}),
        (made("dekit", [(K, 1)], [(A, 2), (A, 1)]), {"outs.1.item"}),
        (made("relabel", [(A, 1)], [(A, 1)]), set()),
        (made("relabel", [(A, 1)], [(B, 1)]), set()),
        (made("relabel", [(A, 2)], [(B, 1)]), {"ins"}),
        (made("repack", [(A, 6)], [(B, 1)]), set()),
        (made("repack", [(A, 6)], [(A, 6)]), set()),
        (made("repack", [(A, 6)], [(A, 1)]), {"outs.0.quantity", "outs.0.item"}),
        (made("repack", [(A, 6), (B, 1)], [(C, 1)]), {"ins"}),
        (made("relabel", [(A, 1, DAMAGED)], [(A, 1, GOOD)]), {"outs.0.condition"}),
        (made("relabel", [(A, 1, GOOD)], [(A, 1, DAMAGED)]), set()),
        (made("relabel", [(A, 1, QUARANTINE)], [(A, 1, GOOD)]), {"outs.0.condition"}),
        (made("kit", [(A, 1, GOOD), (B, 1, SECOND)], [(K, 1, GOOD)]), {"outs.0.condition"}),
        (made("kit", [(A, 1)] * 60, [(K, 1)]), {"ins"}),
    ],
)
def test_a_recipe_makes_sense_or_says_why_not(recipe: Recipe, fields: set[str]) -> None:
    assert {fault.field for fault in recipes.faults_of(recipe)} == fields


def test_goods_of_a_return_may_leave_quarantine_as_their_owner_decided() -> None:
    recipe = made("relabel", [(A, 1, QUARANTINE)], [(A, 1, GOOD)])
    assert not recipes.faults_of(recipe, from_return=True)


picks = st.lists(
    st.tuples(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12)), min_size=1, max_size=6)),
    min_size=1,
    max_size=3,
)


@given(picks, st.integers(1, 20))
def test_batches_are_what_counting_piece_by_piece_gives(inputs: list, most: int) -> None:
    ins = [Line(n, None, GOOD, quantity) for n, (quantity, _) in enumerate(inputs)]
    runs = min([most, *(sum(pieces for _, pieces in taken) // quantity for quantity, taken in inputs)])
    if not runs:
        return
    streams, chosen = [], []
    for line, (_, taken) in zip(ins, inputs, strict=True):
        left, used = line.quantity * runs, []
        for lot, pieces in taken:
            if left:
                used.append(Pick(lot, 1001, min(pieces, left)))
                left -= min(pieces, left)
        chosen.append(used)
        streams.append([lot for pick in used for lot in [pick.lot_id] * pick.quantity])
    expected: list[dict] = []
    for run in range(runs):
        content: dict = {}
        for line, stream in zip(ins, streams, strict=True):
            for lot in stream[run * line.quantity : (run + 1) * line.quantity]:
                content[line.item_id, lot] = content.get((line.item_id, lot), 0) + 1
        expected.append(content)
    found = recipes.batches(ins, chosen, runs)
    assert [batch.content for batch in found for _ in range(batch.runs)] == expected
    assert all(one.content != other.content for one, other in pairwise(found))


def test_a_million_runs_are_a_handful_of_batches() -> None:
    ins = [Line(A, None, GOOD, 3), Line(B, None, GOOD, 1)]
    found = recipes.batches(
        ins,
        [[Pick(11, 1001, 1_000_000), Pick(12, 1001, 2_000_000)], [Pick(21, 1001, 400_000), Pick(22, 1001, 600_000)]],
        1_000_000,
    )
    assert [(batch.runs, batch.content) for batch in found] == [
        (333_333, {(A, 11): 3, (B, 21): 1}),
        (1, {(A, 11): 1, (A, 12): 2, (B, 21): 1}),
        (66_666, {(A, 12): 3, (B, 21): 1}),
        (600_000, {(A, 12): 3, (B, 22): 1}),
    ]


def test_too_few_pieces_are_no_runs() -> None:
    with pytest.raises(ValueError, match="5 pieces"):
        recipes.batches([Line(A, None, GOOD, 3)], [[Pick(1, 1001, 5)]], 2)


def test_every_piece_that_comes_out_holds_an_equal_share() -> None:
    recipe = made("repack", [(A, 6)], [(B, 4)])
    (out,) = recipes.outputs(recipe, recipes.batches(recipe.ins, [[Pick(11, 1001, 12)]], 2), {})
    assert (out.quantity, out.origins) == (8, (Origin(A, 11, 3, 2),))


def test_goods_that_stay_what_they_are_keep_their_lots() -> None:
    recipe = made("repack", [(A, 6)], [(A, 6)])
    batches = recipes.batches(recipe.ins, [[Pick(11, 1001, 7), Pick(0, 1001, 5)]], 2)
    out = recipes.outputs(recipe, batches, {})
    assert {each.lot_id: sum(o.quantity for o in out if o.lot_id == each.lot_id) for each in out} == {11: 7, 0: 5}
    assert not any(each.origins for each in out)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_two_streams_are_cut_where_either_ends(first: list[int], second: list[int]) -> None:
    total = min(sum(first), sum(second))

    def pieces(sizes: list[int]) -> list[int]:
        return [n for n, size in enumerate(sizes) for _ in range(size)][:total]

    def stream(sizes: list[int]) -> list[tuple[int, int]]:
        flat = pieces(sizes)
        return [(n, flat.count(n)) for n in sorted(set(flat))]

    found = recipes.cut(stream(first), stream(second))
    assert [(a, b) for a, b, n in found for _ in range(n)] == list(zip(pieces(first), pieces(second), strict=True))


def test_a_trace_opens_what_is_known_down_to_what_is_wanted() -> None:
    edges = {
        20: (Origin(A, 10, 2, 1), Origin(B, 11, 1, 1)),
        30: (Origin(K, 20, 1, 1), Origin(C, 12, 3, 1)),
        40: (Origin(A, 10, 1, 6),),
    }
    assert origins.inside((99, 30), edges, frozenset({K, C})) == {(K, 20): 1, (C, 12): 3}
    assert origins.roots((99, 30), edges) == {(A, 10): 2, (B, 11): 1, (C, 12): 3}
    assert origins.roots((A, 10), edges) == {(A, 10): 1}
    lots = [(A, 10), (K, 20), (99, 30), (98, 40), (B, 11)]
    assert origins.shares((A, 10), lots, edges) == {
        (A, 10): 1,
        (K, 20): 2,
        (99, 30): 2,
        (98, 40): Fraction(1, 6),
    }


def test_a_new_lot_keeps_the_declaration_where_it_is_one_and_the_same() -> None:
    first = LotFacts(item_id=A, code="L1", declaration_no="D", declaration_line=1, supervision_code="9810")
    other = LotFacts(item_id=A, code="L2", declaration_no="D", declaration_line=2, supervision_code="9810")
    inputs = {11: first, 12: other}
    one = recipes.lot_facts(Process.RELABEL, B, [Origin(A, 11, 1, 1)], inputs)
    assert (one.item_id, one.code, one.declaration_no, one.declaration_line) == (B, "L1", "D", 1)
    two = recipes.lot_facts(Process.REPACK, B, [Origin(A, 11, 1, 1), Origin(A, 12, 1, 1)], inputs)
    assert (two.code, two.declaration_no, two.supervision_code) == ("", None, "9810")
    kit = recipes.lot_facts(Process.KIT, K, [Origin(A, 11, 2, 1)], inputs)
    assert (kit.code, kit.declaration_no, kit.supervision_code) == ("", None, "9810")
    bare = recipes.lot_facts(Process.RELABEL, B, [Origin(A, 0, 1, 1)], inputs)
    assert (bare.code, bare.declaration_no) == ("", None)


def test_conditions_only_get_worse() -> None:
    ins = [Line(A, None, SECOND, 1)]
    wrong = recipes.condition_faults(ins, [("put.0", GOOD), ("put.1", DAMAGED), ("put.2", QUARANTINE)], False)
    assert [fault.field for fault in wrong] == ["put.0.condition"]
    assert Condition.GOOD.name == wrong[0].value
