"""The trace of lots, forward and backward, beside a ground truth that follows every single piece in Python.

Pieces are received, moved, sold, returned, scrapped, put into kits (and kits into larger kits), taken apart again,
relabelled, repacked into cartons and opened from cartons, at random. The truth keeps each piece as a tree of the pieces
inside it; the ledger's trace must say the same, piece for piece, in both directions.
"""

import itertools
import random
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from backend.core import values
from backend.core.database import DB
from backend.registry.rules import Item
from backend.stock import actions as stock_actions
from backend.stock import codes
from backend.stock import rules as stock_rules
from backend.stock.rules import Place
from backend.value_added import processing, queries, tracing
from backend.value_added.processing import Put, Taken
from tests import build
from tests.value_added import shop as shops
from tests.value_added.shop import Shop, key, line

BUYER, SCRAP = "BUYER", "SCRAP"


class Piece:
    """One piece: of an item and a lot, with what is inside it; a received one is itself."""

    def __init__(self, item: str, lot: str, inside: "list[tuple[Piece, Fraction]] | None" = None) -> None:
        self.item, self.lot, self.inside = item, lot, inside

    def holds(self) -> "Counter[tuple[str, str]]":
        """How much of every lot is in here, itself included."""
        found: Counter[tuple[str, str]] = Counter({(self.item, self.lot): Fraction(1)})
        for piece, part in self.inside or []:
            for goods, share in piece.holds().items():
                found[goods] += share * part
        return found


class World:
    """The truth beside the ledger: which pieces lie where."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.random = shop, random.Random(seed)
        self.numbers = itertools.count(1)
        self.at: dict[str, list[Piece]] = defaultdict(list)
        self.items: dict[str, Item] = {}
        self.jobs: dict[str, Any] = {}
        self.recipes: dict[str, tuple[list[tuple[str, int]], list[tuple[str, int]]]] = {}

    async def open(self) -> "World":
        for name in "ABCKMRST":
            self.items[name] = await self.shop.item()
        for name, process, ins, outs in (
            ("kit", "kit", [("A", 2), ("B", 1)], [("K", 1)]),
            ("big kit", "kit", [("K", 1), ("C", 3)], [("M", 1)]),
            ("unkit", "dekit", [("K", 1)], [("A", 2), ("B", 1)]),
            ("unkit big", "dekit", [("M", 1)], [("K", 1), ("C", 3)]),
            ("relabel", "relabel", [("K", 1)], [("R", 1)]),
            ("unkit relabelled", "dekit", [("R", 1)], [("A", 2), ("B", 1)]),
            ("carton", "repack", [("C", 4)], [("S", 1)]),
            ("open", "repack", [("S", 1)], [("T", 4)]),
        ):
            self.recipes[name] = ins, outs
            self.jobs[name] = await self.shop.accepted(
                "processing",
                text="",
                quantity=Decimal(10_000),
                process=process,
                ins=[line(self.items[item], n) for item, n in ins],
                outs=[line(self.items[item], n) for item, n in outs],
            )
        return self

    # ------------------------------------------------------------------------------------------------ simple movements

    async def receive(self) -> None:
        name, pieces = self.random.choice("ABC"), self.random.randint(4, 20)
        number = next(self.numbers)
        lot = await self.shop.lot(self.items[name], declaration_no=f"D{number // 2}", declaration_line=number % 2 + 1)
        place = self.random.choice(self.shop.bins)
        await self.shop.stocked(self.items[name], pieces, place, lot=lot)
        self.at[place] += [Piece(name, lot) for _ in range(pieces)]

    async def move(self, reason: str, source: str, target: str) -> None:
        """Some pieces of one lot from a place to another."""
        there = list(self.at[source])
        if not there:
            return
        one = self.random.choice(there)
        same = [piece for piece in there if (piece.item, piece.lot) == (one.item, one.lot)]
        some = same[: self.random.randint(1, len(same))]
        request = codes.Request(
            self.shop.exporter.organisation_code,
            self.items[one.item].code,
            one.lot,
            source,
            target,
            "GOOD",
            "GOOD",
            len(some),
        )
        await stock_actions.post_document(
            self.shop.operator,
            self.shop.warehouse.code,
            reason,
            [request],
            request_key=str(values.new_id()),
            request_hash=b"",
        )
        self.at[source] = [piece for piece in self.at[source] if piece not in some]
        self.at[target] += some

    # ---------------------------------------------------------------------------------------------------- transforming

    async def transform(self, name: str) -> None:
        """A few runs of a recipe from one bin, pieces in random order of lots; the truth groups runs by what is inside."""
        place = self.random.choice(self.shop.bins)
        ins, outs = self.recipes[name]
        stacks = []
        for item, _ in ins:
            lots: dict[str, list[Piece]] = defaultdict(list)
            for piece in self.at[place]:
                if piece.item == item:
                    lots[piece.lot].append(piece)
            order = list(lots)
            self.random.shuffle(order)
            stacks.append([piece for lot in order for piece in lots[lot]])
        most = min(len(stack) // n for stack, (_, n) in zip(stacks, ins, strict=True))
        if not most:
            return
        runs = self.random.randint(1, min(most, 6))
        taken, used = [], []
        for number, (stack, (_, n)) in enumerate(zip(stacks, ins, strict=True)):
            pieces = stack[: n * runs]
            used.append(pieces)
            counted: dict[str, int] = {}
            for piece in pieces:
                counted[piece.lot] = counted.get(piece.lot, 0) + 1
            taken += [Taken(number, place, count, lot) for lot, count in counted.items()]
        target = self.random.choice(self.shop.bins)
        done = await processing.transform(
            self.shop.operator,
            self.jobs[name],
            runs=runs,
            taken=taken,
            put=[Put(number, target, n * runs) for number, (_, n) in enumerate(outs)],
            request_key=key(),
        )
        gone = {id(piece) for pieces in used for piece in pieces}
        self.at[place] = [piece for piece in self.at[place] if id(piece) not in gone]
        made: list[Piece] = []
        for run in range(runs):
            parts = [piece for (_, n), pieces in zip(ins, used, strict=True) for piece in pieces[run * n : run * n + n]]
            made += self._apart(parts[0]) if name.startswith("unkit") else self._together(parts, outs)
        await self._named(made, done.document_id)
        self.at[target] += made

    def _together(self, parts: list[Piece], outs: list[tuple[str, int]]) -> list[Piece]:
        (item, n) = outs[0]
        return [Piece(item, "", [(part, Fraction(1, n)) for part in parts]) for _ in range(n)]

    def _apart(self, piece: Piece) -> list[Piece]:
        """The pieces inside; what was only relabelled is opened as the kit that it was."""
        inside = [part for part, _ in piece.inside or []]
        return self._apart(inside[0]) if len(inside) == 1 else inside

    async def _named(self, made: list[Piece], document_id: Any) -> None:
        """New pieces bear the lot that the ledger gave to pieces made of the same lots."""
        new = [piece for piece in made if not piece.lot]
        rows = await DB.fetch(
            "select i.code as item, t.code as lot, m.quantity, m.lot_id from movement m join item i on i.id = m.item_id "
            "join lot t on t.id = m.lot_id where m.document_id = $1 and m.source_id = $2",
            document_id,
            int(Place.TRANSFORM),
        )
        names = {self.items[name].code: name for name in self.items}
        booked = Counter({(names[row["item"]], row["lot"]): row["quantity"] for row in rows})
        for row in rows:
            parts = await DB.fetch(
                "select i.code as item, t.code as lot, o.pieces, o.per from lot_origin o join lot t on t.id = o.input_lot_id "
                "join item i on i.id = t.item_id where o.lot_id = $1",
                row["lot_id"],
            )
            content = {(names[p["item"]], p["lot"]): Fraction(p["pieces"], p["per"]) for p in parts}
            for piece in new:
                inside: Counter[tuple[str, str]] = Counter()
                for part, share in piece.inside or []:
                    inside[part.item, part.lot] += share
                if not piece.lot and piece.item == names[row["item"]] and dict(inside) == content:
                    piece.lot = row["lot"]
        assert all(piece.lot for piece in made)
        assert Counter((piece.item, piece.lot) for piece in made) == booked

    # ------------------------------------------------------------------------------------------------------- comparing

    async def step(self) -> None:
        deed = self.random.choice(
            ["receive", "receive", "move", "sell", "return", "scrap", *self.recipes, *self.recipes, "kit", "kit"]
        )
        source, target = self.random.sample(self.shop.bins, 2)
        if deed == "receive":
            await self.receive()
        elif deed in self.recipes:
            await self.transform(deed)
        else:
            way = {
                "move": ("MOVE", source, target),
                "sell": ("SALE", source, BUYER),
                "return": ("RETURN", BUYER, target),
                "scrap": ("SCRAP", source, SCRAP),
            }
            await self.move(*way[deed])

    async def compare(self) -> int:
        """Both directions of every lot; how many lots there were."""
        lots = await DB.fetch(
            "select t.id, t.code, i.code as item from lot t join item i on i.id = t.item_id where t.owner_id = $1",
            self.shop.exporter.organisation_id,
        )
        names = {self.items[name].code: name for name in self.items}
        truth: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        inside: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
        for place, pieces in self.at.items():
            where = place if place in (BUYER, SCRAP) else "on hand"
            for piece in pieces:
                holds = piece.holds()
                assert inside.setdefault((piece.item, piece.lot), holds) == holds
                for goods, share in holds.items():
                    truth[goods][where] += share
        for row in lots:
            goods = (names[row["item"]], row["code"])
            forward = await tracing.trace_forward(self.shop.exporter, row["id"])
            found: Counter[str] = Counter()
            for each in forward.places:
                found[Place(each.place).name if each.place else "on hand"] += each.held
            # What came in equals what is somewhere; a received lot comes from its supplier alone, whatever was made of it.
            received, made = -found.pop("SUPPLIER", Fraction(0)), -found.pop("TRANSFORM", Fraction(0))
            assert (made == 0) if goods[0] in "ABC" else (received == 0)
            assert received + made == sum(found.values())
            assert {place: n for place, n in found.items() if n} == {p: n for p, n in truth[goods].items() if n}
            shipped = sum(each["held"] for each in forward.shipments)
            assert shipped >= truth[goods][BUYER]
            backward = {
                (names[p.lot["item"]], p.lot["code"]): p.share
                for p in await tracing.trace_backward(self.shop.exporter, row["id"])
            }
            if goods in inside:
                assert backward == {other: share for other, share in inside[goods].items() if other != goods}
        return len(lots)


@pytest.fixture
async def shop(database: str) -> Shop:
    return await shops.opened()


@pytest.mark.parametrize("seed", range(5))
async def test_a_trace_is_what_really_happened_to_every_piece(shop: Shop, seed: int) -> None:
    world = await World(shop, seed).open()
    for _ in range(8):
        await world.receive()
    for _ in range(60):
        await world.step()
    assert await world.compare() > 15
    assert await shops.book_is_right()


async def test_a_trace_is_within_what_its_reader_may_see(shop: Shop) -> None:
    world = await World(shop, 99).open()
    for _ in range(6):
        await world.receive()
    for _ in range(6):
        await world.transform("kit")
    lot = await DB.row(
        "select t.id, t.code from lot t join lot_origin o on o.input_lot_id = t.id where t.owner_id = $1 limit 1",
        shop.exporter.organisation_id,
    )
    assert [row["id"] for row in await tracing.lots_named(shop.exporter, lot["code"].lower())] == [lot["id"]]
    for viewer in (shop.operator, await build.committee()):
        assert len((await tracing.trace_forward(viewer, lot["id"])).places) > 1
    for stranger in (await build.exporter(), await build.operator()):
        assert not await tracing.lots_named(stranger, lot["code"])
        with pytest.raises(stock_rules.NoSuchStock):
            await tracing.trace_forward(stranger, lot["id"])
        with pytest.raises(stock_rules.NoSuchStock):
            await tracing.trace_backward(stranger, lot["id"])
    # Another operator that holds kits of these lots sees what they are made of, and only what lies in its own warehouse.
    elsewhere = await build.operator()
    other = await build.warehouse(elsewhere)
    elsewhere = await build.again(elsewhere)
    kit = await DB.row("select t.id, t.code from lot t where t.item_id = $1 limit 1", world.items["K"].id)
    await build.stocked(elsewhere, other, world.items["K"], "DOCK", 1, lot=kit["code"])
    assert await tracing.trace_backward(elsewhere, kit["id"])
    places = (await tracing.trace_forward(elsewhere, kit["id"])).places
    assert {each.warehouse["code"] for each in places} == {other.code}
    assert (await queries.job(shop.operator, world.jobs["kit"]))["stage"] == "performing"
