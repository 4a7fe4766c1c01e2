"""The statement of a declaration line: every term, at every instant, for every viewer; and that it always adds up."""

import html
import re
import uuid
from collections import Counter
from datetime import date, datetime, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.access.rules import Viewer
from backend.core import clock
from backend.core.database import DB
from backend.registry.rules import Warehouse
from backend.regulations import queries as regulation_queries
from backend.stock import actions, declarations, ledger, queries, rules
from backend.stock.declarations import Amounts
from backend.stock.rules import NoSuchDeclarationLine, Place, Posting, Reason
from tests import build

pytestmark = pytest.mark.usefixtures("database")
NUMBER = "460220260000000001"
REAL = 0
# What each reason does to which terms, said once more in the trade's words.
ACTS: dict[str, tuple[Reason, int, int, dict[str, int]]] = {
    "receive": (Reason.RECEIPT, Place.SUPPLIER, REAL, {"received": 1, "on_hand": 1}),
    "sell": (Reason.SALE, REAL, Place.BUYER, {"sold": 1, "on_hand": -1}),
    "return": (Reason.RETURN, Place.BUYER, REAL, {"returned_in": 1, "on_hand": 1}),
    "scrap": (Reason.SCRAP, REAL, Place.SCRAP, {"scrapped": 1, "on_hand": -1}),
    "lose": (Reason.ADJUSTMENT, REAL, Place.ADJUSTMENT, {"lost": 1, "on_hand": -1}),
    "find": (Reason.ADJUSTMENT, Place.ADJUSTMENT, REAL, {"lost": -1, "on_hand": 1}),
    "send": (Reason.DISPATCH, REAL, Place.TRANSIT, {"in_transit": 1, "on_hand": -1}),
    "arrive": (Reason.ARRIVAL, Place.TRANSIT, REAL, {"in_transit": -1, "on_hand": 1}),
    "home": (Reason.ARRIVAL, Place.TRANSIT, Place.ORIGIN, {"in_transit": -1, "returned_home": 1}),
    "use": (Reason.TRANSFORMATION, REAL, Place.TRANSFORM, {"transformed": 1, "on_hand": -1}),
    "make": (Reason.TRANSFORMATION, Place.TRANSFORM, REAL, {"transformed": -1, "on_hand": 1}),
    "move": (Reason.MOVE, REAL, REAL, {}),
}


class Trade:
    """An exporter with two lots of line 1 and one of line 2, in the warehouses of two operators."""

    exporter: Viewer
    operators: list[Viewer]
    warehouses: list[Warehouse]
    bins: list[list[int]]
    item: int
    lots: list[int]

    async def post(
        self, act: str, quantity: int, *, lot: int = 0, at: int = 0, when: datetime | None = None
    ) -> uuid.UUID:
        """A document of one line: an act on a lot in warehouse `at`."""
        reason, source, target, _ = ACTS[act]
        a, b = self.bins[at]
        ends = (a if source == REAL else int(source), (b if act == "move" else a) if target == REAL else int(target))
        line = Posting(self.exporter.organisation_id, self.item, self.lots[lot], *ends, 1, 1, quantity)
        posted = await ledger.post(
            ledger.actor_of(self.operators[at]),
            self.warehouses[at].id,
            reason,
            [line],
            request_key=uuid.uuid4().hex,
            request_hash=b"x",
            occurred_at=when,
        )
        return posted.document_id

    async def undo(self, document: uuid.UUID, *, at: int = 0) -> None:
        """The reversal of a document, as the rooms make it too."""
        lines = await queries.document_postings(self.warehouses[at].id, document)
        await ledger.post(
            ledger.actor_of(self.operators[at]),
            self.warehouses[at].id,
            Reason.REVERSAL,
            rules.reversed_lines(lines),
            request_key=uuid.uuid4().hex,
            request_hash=b"x",
            reverses_id=document,
        )

    async def line(self, line: int = 1, viewer: Viewer | None = None, at: datetime | None = None) -> Amounts:
        owner = self.exporter.organisation_code
        return (await declarations.statement(viewer or self.exporter, NUMBER, line, owner=owner, at=at)).whole

    async def listed(
        self, viewer: Viewer, at: datetime | None = None, **filters: str
    ) -> dict[tuple[str, int], Amounts]:
        """The list's rows of this exporter, by declaration and line."""
        listing = declarations.listing(viewer, at)
        page = await listing.page(await declarations.clauses(viewer, filters))
        return {
            (row["declaration"], row["line"]): Amounts(**{name: row[name] for name in declarations.NAMES})
            for row in page.rows
            if row["owner"] == self.exporter.organisation_code
        }


@pytest.fixture
async def trade() -> Trade:
    made = Trade()
    made.exporter, made.operators, made.warehouses, made.bins = await build.exporter(), [], [], []
    for _ in range(2):
        operator = await build.operator()
        warehouse = await build.warehouse(operator)
        operator = await build.again(operator)
        codes = await build.bins(operator, warehouse, 2)
        rows = await DB.fetch(
            "select id from location where warehouse_id = $1 and code = any($2) order by code", warehouse.id, codes
        )
        made.operators.append(operator)
        made.warehouses.append(warehouse)
        made.bins.append([row["id"] for row in rows])
    item = await build.item(made.exporter)
    made.item, made.lots = item.id, []
    for code, line in (("A", 1), ("B", 1), ("C", 2)):
        lot = await actions.register_lot(
            made.exporter,
            owner=made.exporter.organisation_code,
            item=item.code,
            code=code,
            declaration_no=NUMBER,
            declaration_line=line,
            supervision_code="9810",
            exported_on=date(2026, 3, 10),
        )
        made.lots.append(lot)
    return made


def amounts(**terms: int) -> Amounts:
    return Amounts(**{name: terms.get(name, 0) for name in declarations.NAMES})


async def test_every_term_is_told_by_its_ends(trade: Trade) -> None:
    assert await trade.line() == amounts()
    await trade.post("receive", 100)
    await trade.post("receive", 20, lot=1)
    await trade.post("move", 50)
    for act, quantity in (("sell", 30), ("return", 4), ("scrap", 2), ("lose", 3), ("find", 1), ("use", 6), ("make", 1)):
        await trade.post(act, quantity)
    await trade.post("send", 11)
    await trade.post("home", 5)
    await trade.post("arrive", 2, at=1)
    found = await trade.line()
    assert found == amounts(
        received=120,
        on_hand=76,
        in_transit=4,
        sold=30,
        returned_in=4,
        returned_home=5,
        scrapped=2,
        lost=2,
        transformed=5,
    )
    assert found.adds_up
    assert await trade.line(2) == amounts()
    assert await trade.listed(trade.exporter) == {(NUMBER, 1): found, (NUMBER, 2): amounts()}


async def test_a_reversal_takes_back_the_term_it_undoes(trade: Trade) -> None:
    await trade.post("receive", 50)
    before = await trade.line()
    for act, quantity in (("sell", 5), ("return", 2), ("scrap", 1), ("lose", 1), ("find", 1), ("send", 4), ("use", 2)):
        document = await trade.post(act, quantity)
        await trade.undo(document)
        assert await trade.line() == before, act


async def test_a_past_instant_counts_what_had_happened_by_then(trade: Trade) -> None:
    now = clock.now()
    await trade.post("receive", 10, when=now - timedelta(days=3))
    await trade.post("sell", 4, when=now - timedelta(days=1))
    assert await trade.line(at=now - timedelta(days=4)) == amounts()
    assert await trade.line(at=now - timedelta(days=2)) == amounts(received=10, on_hand=10)
    assert await trade.line(at=now) == amounts(received=10, on_hand=6, sold=4)
    then = await trade.listed(trade.exporter, now - timedelta(days=2))
    assert then[NUMBER, 1] == amounts(received=10, on_hand=10)


async def test_the_statement_stands_by_lot_and_by_warehouse(trade: Trade) -> None:
    await trade.post("receive", 10)
    await trade.post("receive", 7, lot=1, at=1)
    await trade.post("sell", 3, lot=1, at=1)
    found = await declarations.statement(trade.exporter, NUMBER, 1)
    assert [(part.code, part.amounts.on_hand) for part in found.by_lot] == [("A", 10), ("B", 4)]
    by_warehouse = {part.code: part.amounts for part in found.by_warehouse}
    assert by_warehouse == {
        trade.warehouses[0].code: amounts(received=10, on_hand=10),
        trade.warehouses[1].code: amounts(received=7, on_hand=4, sold=3),
    }
    assert found.whole == amounts(received=17, on_hand=14, sold=3)


async def test_an_operator_sees_its_own_part_and_nobody_sees_a_strangers_line(trade: Trade) -> None:
    await trade.post("receive", 10)
    await trade.post("send", 6)
    await trade.post("arrive", 6, at=1)
    first, second = trade.operators
    assert await trade.line(viewer=first) == amounts(received=10, on_hand=4, in_transit=6)
    assert await trade.line(viewer=second) == amounts(on_hand=6, in_transit=-6)
    assert (await trade.listed(second))[NUMBER, 1] == amounts(on_hand=6, in_transit=-6)
    assert (await trade.listed(second)).keys() == {(NUMBER, 1)}
    assert await trade.line(viewer=await build.committee()) == amounts(received=10, on_hand=10)
    for stranger in (await build.exporter(), await build.operator()):
        with pytest.raises(NoSuchDeclarationLine):
            await trade.line(viewer=stranger)
        assert await trade.listed(stranger) == {}
    for number, line in (("D-NONE", 1), (NUMBER, 3), (NUMBER, 0), (NUMBER, 2**40)):
        with pytest.raises(NoSuchDeclarationLine):
            await declarations.statement(trade.exporter, number, line)


async def test_the_list_is_filtered(trade: Trade) -> None:
    code = await DB.value("select code from item where id = $1", trade.item)
    committee = await build.committee()
    owner = trade.exporter.organisation_code
    assert len(await trade.listed(committee, owner=owner)) == 2
    assert len(await trade.listed(trade.exporter, declaration=NUMBER[:6], item=code)) == 2
    assert await trade.listed(trade.exporter, declaration="9") == {}
    assert await trade.listed(trade.exporter, item="nothing") == {}
    assert await trade.listed(committee, owner="nobody") == {}


async def test_the_proof_finds_a_balance_that_the_terms_do_not_make(trade: Trade) -> None:
    await trade.post("receive", 10)
    assert await declarations.differences() == []
    await DB.run("update balance set on_hand = on_hand + 1 where lot_id = $1", trade.lots[0])
    try:
        (row,) = await declarations.differences()
        assert (row["declaration_no"], row["declaration_line"]) == (NUMBER, 1)
        assert (row["booked"], row["proven"]) == (11, 10)
    finally:
        await DB.run("update balance set on_hand = on_hand - 1 where lot_id = $1", trade.lots[0])


def test_every_virtual_place_belongs_to_a_term() -> None:
    spoken = {end for term in declarations.TERMS.values() for ends in term.counts for end in ends} | {Place.SUPPLIER, 0}
    assert spoken == {0, *Place}
    # Whatever ends a reason joins, the identity holds for it: what enters or leaves stock enters or leaves one term.
    for reason, ends in rules.ENDS.items():
        for source, target in ends:
            pair = (source or 0, target or 0)
            change = (pair[1] == 0) - (pair[0] == 0)
            told = sum(term.sign * term.counts.get(pair, 0) for term in declarations.TERMS.values())
            assert declarations.RECEIVED.get(pair, 0) == change + told, (reason, pair)


steps = st.lists(
    st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 2), st.integers(0, 1), st.integers(1, 9), st.booleans()),
    min_size=1,
    max_size=25,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_any_history_adds_up_at_every_instant(trade: Trade, steps: list[tuple[str, int, int, int, bool]]) -> None:
    before = {line: await trade.line(line) for line in (1, 2)}
    moments: list[tuple[datetime, int, Counter[str]]] = []
    for act, lot, at, quantity, undone in [
        ("receive", lot, at, 5, False) for lot in range(3) for at in range(2)
    ] + steps:
        try:
            document = await trade.post(act, quantity, lot=lot, at=at)
        except rules.NotEnoughFree:
            continue
        effect = Counter({name: way * quantity for name, way in ACTS[act][3].items()})
        moments.append((clock.now(), 1 if lot < 2 else 2, effect))
        if undone:
            try:
                await trade.undo(document, at=at)
            except rules.NotEnoughFree:
                continue
            moments.append((clock.now(), 1 if lot < 2 else 2, Counter({k: -v for k, v in effect.items()})))
    for instant in [None, *(moment for moment, _, _ in moments[:: max(1, len(moments) // 4)])]:
        listed = await trade.listed(trade.exporter, instant)
        for line in (1, 2):
            found = await trade.line(line, at=instant)
            wanted = Counter({name: getattr(before[line], name) for name in declarations.NAMES})
            for moment, of_line, effect in moments:
                if of_line == line and (instant is None or moment <= instant):
                    for name, change in effect.items():
                        wanted[name] += change
            assert found == amounts(**wanted)
            assert found.adds_up
            assert listed[NUMBER, line] == found
    assert await declarations.differences() == []


# ------------------------------------------------------------------------------------------------- pages and machines


async def test_the_pages_show_the_terms_and_lead_to_the_movements(trade: Trade, client: httpx.AsyncClient) -> None:
    now = clock.now()
    await trade.post("receive", 4321, when=now - timedelta(days=2))
    await trade.post("sell", 321)
    await build.sign_in(client, trade.exporter)
    page = await client.get("/stock/declarations")
    assert page.status_code == 200
    assert "4,321" in page.text
    which = {"owner": trade.exporter.organisation_code, "declaration": NUMBER, "line": "1"}
    one = await client.get("/stock/declarations/line", params=which)
    assert "4,000" in one.text
    for code in ("A", trade.warehouses[0].code):
        assert code in one.text
    clocks = re.search(r'href="(/regulations/clocks/line[^"]+)"', one.text)
    assert clocks
    back = await client.get(html.unescape(clocks[1]))
    assert back.status_code == 200
    assert "/stock/declarations/line?" in back.text
    links = re.findall(r'href="(/stock/movements[^"]+)"', one.text)
    assert len(links) == 2
    for link in links:
        movements = await client.get(html.unescape(link))
        assert "4,321" in movements.text
    then = (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    earlier = await client.get("/stock/declarations/line", params={**which, "at": then})
    assert "4,000" not in earlier.text
    file = await client.get("/stock/declarations.csv")
    assert file.headers["content-disposition"] == 'attachment; filename="declaration-lines.csv"'
    assert f"{NUMBER},1," in file.text
    assert ",4321,4000,0,321,0,0,0,0,0" in file.text
    # The sale in the ledger starts the clock of its evidence.
    line = await regulation_queries.line(trade.exporter, NUMBER, 1)
    assert line.facts.sold_on is not None
    assert line.stated["sold_on"] is None


async def test_the_pages_refuse_what_is_not_there_or_not_theirs(trade: Trade, client: httpx.AsyncClient) -> None:
    await trade.post("receive", 7)
    stranger = await build.exporter()
    await build.sign_in(client, stranger)
    assert NUMBER not in (await client.get("/stock/declarations")).text
    assert NUMBER not in (await client.get("/stock/declarations.csv")).text
    which = {"declaration": NUMBER, "line": "1"}
    assert (await client.get("/stock/declarations/line", params=which)).status_code == 404
    await build.sign_in(client, trade.exporter)
    for line in ("9", "x", ""):
        answer = await client.get("/stock/declarations/line", params={"declaration": NUMBER, "line": line})
        assert answer.status_code == 404
        assert f"There is no declaration line {NUMBER}" in answer.text
    for at in ("soon", "2999-01-01T00:00", "1999-01-01T00:00"):
        assert (await client.get("/stock/declarations", params={"at": at})).status_code == 422
        assert (await client.get("/stock/declarations/line", params={**which, "at": at})).status_code == 422
        assert (await client.get("/stock/declarations.csv", params={"at": at})).status_code == 422
    await build.sign_in(client, trade.operators[0])
    shown = await client.get("/stock/declarations/line", params=which)
    assert "Only movements in your own warehouses are counted." in shown.text
    await build.sign_in(client, await build.operator())
    assert (await client.get("/stock/declarations")).status_code == 200


async def test_machines_read_the_statement(trade: Trade, client: httpx.AsyncClient) -> None:
    await trade.post("receive", 10)
    await trade.post("sell", 4)
    headers = {"Authorization": f"Bearer {await build.token(trade.exporter)}"}
    rows = (await client.get("/api/v1/stock/declarations?limit=1", headers=headers)).json()
    assert rows["after"]
    assert rows["rows"][0]["received"] == 10
    rest = await client.get(f"/api/v1/stock/declarations?after={rows['after']}", headers=headers)
    assert [row["line"] for row in rest.json()["rows"]] == [2]
    params = {"declaration": NUMBER, "line": "1"}
    one = (await client.get("/api/v1/stock/declarations/line", params=params, headers=headers)).json()
    assert (one["amounts"]["on_hand"], one["amounts"]["sold"], one["own_warehouses_only"]) == (6, 4, False)
    assert [part["code"] for part in one["by_lot"]] == ["A"]
    old = {**params, "at": "2020-01-01T00:00:00Z"}
    assert (await client.get("/api/v1/stock/declarations/line", params=old, headers=headers)).json()["amounts"][
        "received"
    ] == 0
    for wrong in ({**params, "at": "2999-01-01T00:00:00Z"}, {**params, "line": "many"}):
        assert (await client.get("/api/v1/stock/declarations/line", params=wrong, headers=headers)).status_code in (
            400,
            422,
        )
    assert (
        await client.get("/api/v1/stock/declarations/line", params={**params, "line": "8"}, headers=headers)
    ).status_code == 404
