"""What lots are made of, followed up and down: the arithmetic of a trace. Pure.

A lot that was made of others names its origins once and for ever. Everything is counted in exact fractions of a piece, so
that each piece of a received lot is somewhere exactly once, however often it was put together and taken apart.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction

import msgspec

Goods = tuple[int, int]
"""An item and a lot of it; lot 0 is no lot."""


class LotFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a lot says of itself: the declaration line it left the country under, when it left, when it expires."""

    item_id: int
    code: str
    declaration_no: str | None = None
    declaration_line: int | None = None
    supervision_code: str | None = None
    exported_on: date | None = None
    expires_on: date | None = None


class Origin(msgspec.Struct, frozen=True, order=True):
    """`per` pieces of a lot hold `pieces` pieces of these goods."""

    item_id: int
    lot_id: int
    pieces: int
    per: int


Edges = Mapping[int, tuple[Origin, ...]]
"""What each lot was made of; lots that are not in it were received as they are."""


def inside(goods: Goods, edges: Edges, wanted: frozenset[int]) -> dict[Goods, Fraction]:
    """What one piece of `goods` is made of, followed down until items that are `wanted` (or that nothing is known of)."""
    found: dict[Goods, Fraction] = {}

    def open_up(at: Goods, share: Fraction) -> None:
        origins = edges.get(at[1], ())
        if at[0] in wanted or not origins:
            found[at] = found.get(at, Fraction(0)) + share
            return
        for origin in origins:
            open_up((origin.item_id, origin.lot_id), share * Fraction(origin.pieces, origin.per))

    open_up(goods, Fraction(1))
    return found


def roots(lot: Goods, edges: Edges) -> dict[Goods, Fraction]:
    """How many pieces of which received goods one piece of a lot holds; one of its own if it was received itself."""
    return inside(lot, edges, frozenset())


def shares(goods: Goods, lots: Iterable[Goods], edges: Edges) -> dict[Goods, Fraction]:
    """How many pieces of `goods` one piece of each of `lots` holds, those that hold none left out."""
    known: dict[Goods, Fraction] = {goods: Fraction(1)}

    def share(at: Goods) -> Fraction:
        if at not in known:
            origins = edges.get(at[1], ())
            known[at] = sum(
                (share((each.item_id, each.lot_id)) * Fraction(each.pieces, each.per) for each in origins), Fraction(0)
            )
        return known[at]

    return {lot: part for lot in lots if (part := share(lot))}
