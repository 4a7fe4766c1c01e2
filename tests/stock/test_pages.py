"""The ledger's screens: what each reader sees, what forms book once, and what they say when refused."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from backend.access.rules import Role, Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.stock import actions, codes, ledger, listings, queries
from frontend import lists
from tests import build

LISTS = ("balances", "movements", "holds", "reservations", "lots")
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


class Yard:
    """An operator with a warehouse and two bins, and an exporter whose hundred pieces of a lot lie in the first."""

    operator: Viewer
    exporter: Viewer
    warehouse: str
    warehouse_id: int
    bins: list[str]
    item: str
    lot: str

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def see(self, viewer: Viewer, path: str, **params: str) -> httpx.Response:
        await build.sign_in(self.client, viewer)
        return await self.client.get(path, params=params or None)

    async def send(self, viewer: Viewer, path: str, **fields: str) -> httpx.Response:
        await build.sign_in(self.client, viewer)
        return await build.submit(self.client, path, **fields)

    async def book(self, reason: str = "RECEIPT", *, quantity: int = 100, **other: Any) -> ledger.Posted:
        """A document of one line, by default a hundred more pieces in the first bin."""
        line = {
            "owner": self.exporter.organisation_code,
            "item": self.item,
            "lot": self.lot,
            "source": "SUPPLIER",
            "target": self.bins[0],
            "condition": "GOOD",
            "quantity": quantity,
        }
        at = other.pop("occurred_at", None)
        given = {**line, **other}
        request = codes.Request(target_condition=given["condition"], **given)
        key = str(values.new_id())
        return await actions.post_document(
            self.operator, self.warehouse, reason, [request], request_key=key, request_hash=b"x", occurred_at=at
        )

    async def balance(self, place: str = "", condition: int = 1) -> Any:
        """The balance of the lot at a bin, as the database has it."""
        return await DB.row(
            "select b.* from balance b join item i on i.id = b.item_id "
            "join location l on l.warehouse_id = b.warehouse_id and l.id = b.location_id "
            "where i.code = $1 and l.code = $2 and b.condition = $3",
            self.item,
            place or self.bins[0],
            condition,
        )

    async def path(self, place: str = "") -> str:
        row = await self.balance(place)
        names = ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition")
        return "/stock/balances/" + "-".join(str(row[name]) for name in names)

    async def documents(self) -> int:
        count: int = await DB.value("select count(*) from document where warehouse_id = $1", self.warehouse_id)
        return count


@pytest.fixture
async def yard(client: httpx.AsyncClient) -> Yard:
    made = Yard(client)
    operator, made.exporter = await build.operator(), await build.exporter()
    warehouse = await build.warehouse(operator)
    made.operator = await build.again(operator)
    made.warehouse, made.warehouse_id = warehouse.code, warehouse.id
    made.bins = await build.bins(made.operator, warehouse, 2)
    made.item = (await build.item(made.exporter, name_en="=1+1 bearing & co")).code
    made.lot = "L-1"
    await actions.register_lot(
        made.exporter,
        owner=made.exporter.organisation_code,
        item=made.item,
        code=made.lot,
        declaration_no="D-77",
        declaration_line=3,
    )
    await made.book()
    return made


def key_of(answer: httpx.Response, form: str) -> str:
    """The request key of a form of the page."""
    found = re.search(rf'<form id="{form}".*?name="key" value="([^"]+)"', answer.text, re.DOTALL)
    assert found, answer.text
    return found[1]


def flat(answer: httpx.Response) -> str:
    """The words of a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


# ------------------------------------------------------------------------------------------------------------- lists


async def fill(yard: Yard) -> None:
    """One hold and one reservation, so that every list has a row."""
    row = await yard.balance()
    at = tuple(row[name] for name in ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition"))
    await actions.hold(yard.operator, at, quantity=5, reason="customs", note="papers", request_key="h")  # type: ignore[arg-type]
    await actions.reserve(
        yard.operator,
        warehouse=yard.warehouse,
        owner=yard.exporter.organisation_code,
        item=yard.item,
        lot=None,
        location=None,
        condition="GOOD",
        quantity=3,
        source="Order 1",
        expires_at=clock.now() + timedelta(days=2),
        request_key="r",
    )


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_and_its_file_show_what_the_reader_may_see_and_nothing_else(yard: Yard, name: str) -> None:
    await fill(yard)
    for viewer in (yard.operator, yard.exporter, await build.committee(Role.ASSESSOR)):
        assert yard.item in (await yard.see(viewer, f"/stock/{name}")).text
        file = await yard.see(viewer, f"/stock/{name}.csv")
        assert (
            file.headers["content-disposition"]
            == f'attachment; filename="{ {"balances": "stock"}.get(name, name) }.csv"'
        )
        assert yard.item in file.text
    stranger = await build.operator()
    await build.warehouse(stranger)
    for foreign in (await build.again(stranger), await build.exporter()):
        for path in (f"/stock/{name}", f"/stock/{name}.csv"):
            for params in ({}, {"item": yard.item}, {"warehouse": yard.warehouse}):
                answer = await yard.see(foreign, path, **params)
                assert answer.status_code == 200
                assert yard.lot not in answer.text
                assert f">{yard.item}<" not in answer.text
                assert f",{yard.item}," not in answer.text


@pytest.mark.parametrize("path", [*LISTS, "at", "post", "reservations/new", "lots/new", "balances/1-2-3-4-5-1"])
async def test_nobody_sees_anything_without_signing_in(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/stock/{path}")
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/access/sign-in")


async def test_a_file_opens_in_spreadsheets_and_runs_nothing(yard: Yard) -> None:
    file = await yard.see(yard.operator, "/stock/balances.csv")
    assert file.headers["content-type"].startswith("text/csv")
    heading, row = file.text.splitlines()[:2]
    assert heading.startswith(f'{BOM}"Warehouse","Owner","Item","Name"')
    assert "'=1+1 bearing & co" in row
    assert row.endswith(",GOOD,100,0,0,100")


async def test_what_people_typed_is_shown_and_never_run(yard: Yard) -> None:
    code = (await build.item(yard.exporter, code="<B>X", name_en="<script>alert(1)</script>")).code
    await yard.book(item=code, lot=None)
    for path in ("balances", "movements", f"at?warehouse={yard.warehouse}&at={datetime.now(UTC):%Y-%m-%dT%H:%M}"):
        shown = (await yard.see(yard.operator, f"/stock/{path}")).text
        assert "<script>alert" not in shown
        assert "<B>X" not in shown


async def test_filters_narrow_a_list_and_stay_in_the_address(yard: Yard) -> None:
    await yard.book(target=yard.bins[1])
    found = await yard.see(yard.operator, "/stock/balances", location=yard.bins[1].lower(), condition="GOOD")
    assert yard.bins[1] in found.text
    assert f'class="code">{yard.bins[0]}<' not in found.text
    assert f'value="{yard.bins[1].lower()}"' in found.text
    assert f"/stock/balances.csv?location={yard.bins[1].lower()}&amp;condition=GOOD" in found.text
    nothing = await yard.see(yard.operator, "/stock/balances", item="no such thing")
    assert nothing.status_code == 200
    assert "Nothing fits these filters" in nothing.text


@pytest.mark.parametrize(
    ("path", "params", "sentence"),
    [
        ("balances", {"condition": "FINE"}, "“FINE” is not known here"),
        ("balances", {"after": "nonsense"}, "“nonsense” is not a place in this list"),
        ("movements", {"from": "23.11.2026"}, "“23.11.2026” is not a day"),
        ("movements", {"to": "9999-12-31"}, "“9999-12-31” is not a day"),
        ("movements", {"reason": "MAGIC"}, "“MAGIC” is not known here"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_on_the_page(
    yard: Yard, path: str, params: dict[str, str], sentence: str
) -> None:
    answer = await yard.see(yard.operator, f"/stock/{path}", **params)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Show everything" in answer.text
    if "after" not in params:
        assert (await yard.see(yard.operator, f"/stock/{path}.csv", **params)).status_code == 422


async def test_control_characters_in_an_address_find_nothing(yard: Yard) -> None:
    answer = await yard.see(yard.operator, "/stock/balances", item="a\x00b", lot="\x00")
    assert answer.status_code == 200


async def test_a_long_list_is_read_page_by_page_without_loss_or_repetition(yard: Yard) -> None:
    warehouse = await build.warehouse(yard.operator)
    yard.operator = await build.again(yard.operator)
    places = await build.bins(yard.operator, warehouse, lists.ROWS + 30)
    yard.warehouse = warehouse.code
    for place in places:
        await yard.book(target=place)
    for name, mark in (("balances", "/stock/balances/"), ("movements", "/stock/documents/")):
        path, seen = f"/stock/{name}?warehouse={warehouse.code}", list[str]()
        for number in range(3):
            page = await yard.see(yard.operator, path)
            seen += re.findall(rf'href="({mark}[^"?]+)"', page.text)
            following = re.search(r'href="([^"]+)" rel="next"', page.text)
            assert ("First page" in page.text) == (number > 0)
            if following is None:
                break
            path = following[1].replace("&amp;", "&")
            assert f"warehouse={warehouse.code}" in path
        assert len(seen) == len(set(seen)) == len(places)


async def test_the_latest_movements_of_several_warehouses_are_found_along_their_indexes(yard: Yard) -> None:
    other = await build.warehouse(yard.operator)
    operator = yard.operator = await build.again(yard.operator)
    here, there = (yard.warehouse, yard.bins[0]), (other.code, (await build.bins(operator, other, 1))[0])
    for hours in range(20, 0, -1):
        yard.warehouse, place = there if hours % 3 else here
        await yard.book(target=place, quantity=hours, occurred_at=clock.now() - timedelta(hours=hours))
    for viewer in (operator, await build.committee(Role.CHAIR)):
        plain = await queries.movement_clauses(viewer, {})
        after, seen = None, list[int]()
        for _ in range(3):
            bound = await queries.latest_clauses(viewer, {}, after, 4)
            page = await listings.MOVEMENTS.page([*plain, *bound], after=after, limit=4)
            assert bound
            assert page == await listings.MOVEMENTS.page(plain, after=after, limit=4)
            seen += [row["quantity"] for row in page.rows]
            after = page.after
        assert viewer is not operator or seen == [100, *range(1, 12)]
    assert await queries.latest_clauses(operator, {"reason": "SALE"}, None, 4) == []


# ------------------------------------------------------------------------------------------------------- one balance


async def test_a_balance_explains_itself_by_its_movements(yard: Yard) -> None:
    now = clock.now()
    await yard.book("SALE", quantity=30, source=yard.bins[0], target="BUYER", occurred_at=now)
    await yard.book(quantity=7, occurred_at=now - timedelta(days=3))
    page = await yard.see(yard.operator, await yard.path())
    words = flat(page)
    changes = [int(number) for number in re.findall(r"<bdi>([+-]\d+)</bdi>", page.text)]
    assert changes == [-30, 100, 7]
    assert re.findall(r'data-label="On hand">(\d+)', page.text) == ["77", "107", "7"]
    assert "to Buyer" in words
    assert "from Supplier" in words
    assert yard.operator.name in words
    assert "D-77" in words


@pytest.mark.parametrize("key", ["x", "1-2-3", "1-2-3-4-5-7", "9-9-9-0-9-1", "0-0-0-0-0-0", f"{'9' * 30}-1-1-0-1-1"])
async def test_there_is_no_balance_at_a_made_up_address(yard: Yard, key: str) -> None:
    assert (await yard.see(yard.operator, f"/stock/balances/{key}")).status_code == 404


async def test_a_balance_is_nobody_elses_to_see_or_touch(yard: Yard) -> None:
    path = await yard.path()
    stranger = await build.operator()
    await build.warehouse(stranger)
    for foreign in (await build.again(stranger), await build.exporter()):
        assert (await yard.see(foreign, path)).status_code == 404
        assert (await yard.send(foreign, path, deed="hold", quantity="1", reason="customs", key="k")).status_code == 404


async def test_each_reader_finds_only_the_deeds_they_may_do(yard: Yard) -> None:
    path = await yard.path()
    clerk = await build.committee(Role.ASSESSOR)
    deeds = {"move", "adjust", "regrade", "hold"}
    for viewer, expected in ((yard.operator, deeds), (yard.exporter, {"hold"}), (clerk, set[str]())):
        page = await yard.see(viewer, path)
        assert set(re.findall(r'<form id="form-(\w+)"', page.text)) == expected
        for deed in deeds - expected:
            answer = await yard.send(
                viewer,
                path,
                deed=deed,
                quantity="1",
                target=yard.bins[1],
                note="x",
                key="k",
                way="more",
                target_condition="DAMAGED",
                seen="100",
                reason="customs",
            )
            assert answer.status_code == 403, (viewer.kind, deed)
    assert (await yard.balance())["on_hand"] == 100


async def test_a_move_is_booked_once_however_often_it_is_sent(yard: Yard) -> None:
    path = await yard.path()
    page = await yard.see(yard.operator, path)
    given = {
        "deed": "move",
        "key": key_of(page, "form-move"),
        "target": yard.bins[1].lower(),
        "quantity": "٤٠",
        "note": "",
    }
    first = await yard.send(yard.operator, path, **given)
    assert (first.status_code, first.headers["location"]) == (303, path)
    shown = await yard.see(yard.operator, path)
    assert re.search(r"40 pieces are booked as document [0-9a-f-]{36}", shown.text)
    again = await yard.send(yard.operator, path, **given)
    assert again.status_code == 303
    assert "40 pieces were booked by this form already" in (await yard.see(yard.operator, path)).text
    assert (await yard.balance())["on_hand"] == 60
    assert (await yard.balance(yard.bins[1]))["on_hand"] == 40
    changed = await yard.send(yard.operator, path, **{**given, "quantity": "5"})
    assert changed.status_code == 409
    assert "sent before with other values" in changed.text
    assert key_of(changed, "form-move") != given["key"]
    assert 'value="5"' in changed.text
    assert await yard.documents() == 2


async def test_a_refused_move_says_everything_at_once_and_keeps_what_was_typed(yard: Yard) -> None:
    path = await yard.path()
    given = {"deed": "move", "key": "my-key", "target": "NOWHERE", "quantity": "12,5", "note": "why not"}
    answer = await yard.send(yard.operator, path, **given)
    assert answer.status_code == 422
    words = flat(answer)
    assert "2 things need your attention" in words
    assert "“12,5” is not a quantity" in words
    assert "no location “NOWHERE”" in words
    assert 'value="12,5"' in answer.text
    assert 'value="why not"' in answer.text
    assert key_of(answer, "form-move") == "my-key"
    for other, sentence in (
        ({"target": ""}, "Say where the goods go"),
        ({"target": yard.bins[0], "quantity": "1"}, "Source and target are the same"),
        ({"target": "BUYER", "quantity": "1"}, "does not join these two ends"),
        ({"target": yard.bins[1], "quantity": "101"}, f"Only 100 of {yard.item} are free"),
        ({"target": yard.bins[1], "quantity": ""}, "Give the quantity in whole pieces"),
        ({"target": yard.bins[1], "quantity": "1", "key": ""}, "Every write needs a request key"),
    ):
        refused = await yard.send(yard.operator, path, **{**given, **other})
        assert refused.status_code == 422
        assert sentence in flat(refused)
    assert await yard.documents() == 1


async def test_a_count_is_booked_as_the_difference_and_a_stale_one_is_refused(yard: Yard) -> None:
    path = await yard.path()
    given = {"deed": "adjust", "way": "counted", "key": "c1", "seen": "100", "quantity": "97", "note": "three missing"}
    refused = await yard.send(yard.operator, path, **{**given, "note": "", "quantity": "many"})
    assert refused.status_code == 422
    assert "Say why the stock is adjusted" in refused.text
    assert "“many” is not a quantity" in refused.text
    same = await yard.send(yard.operator, path, **{**given, "quantity": "100"})
    assert (same.status_code, "The book says 100 already" in same.text) == (422, True)
    assert (await yard.send(yard.operator, path, **given)).status_code == 303
    assert (await yard.send(yard.operator, path, **given)).status_code == 303
    assert (await yard.balance())["on_hand"] == 97
    stale = await yard.send(yard.operator, path, **{**given, "key": "c2", "quantity": "90"})
    assert stale.status_code == 409
    assert "The book says 97 now; it said 100 when you began to count" in stale.text
    assert 'name="seen" value="97"' in stale.text
    assert (await yard.balance())["on_hand"] == 97
    for key, way, seen, quantity, expected in (
        ("c3", "more", "97", "3", 100),
        ("c4", "fewer", "1", "50", 50),
        ("c5", "counted", "50", "0", 0),
        ("c6", "counted", "0", "8", 8),
    ):
        sent = {**given, "key": key, "way": way, "seen": seen, "quantity": quantity}
        assert (await yard.send(yard.operator, path, **sent)).status_code == 303
        assert (await yard.balance())["on_hand"] == expected
    unknown = await yard.send(yard.operator, path, **{**given, "key": "c7", "way": "guess"})
    assert unknown.status_code == 422


async def test_the_condition_of_pieces_is_changed_where_they_lie(yard: Yard) -> None:
    path = await yard.path()
    given = {"deed": "regrade", "key": "g1", "target_condition": "DAMAGED", "quantity": "4", "note": "dented"}
    assert (
        "Choose the new condition" in (await yard.send(yard.operator, path, **{**given, "target_condition": ""})).text
    )
    assert (await yard.send(yard.operator, path, **given)).status_code == 303
    assert (await yard.balance())["on_hand"] == 96
    assert (await yard.balance(condition=3))["on_hand"] == 4
    assert "to Damaged" in flat(await yard.see(yard.operator, path))


async def test_pieces_are_held_and_released_by_whoever_placed_the_hold(yard: Yard) -> None:
    path = await yard.path()
    given = {"deed": "hold", "key": "h1", "reason": "owner", "quantity": "20", "note": "wait for papers"}
    refused = await yard.send(yard.exporter, path, **{**given, "reason": "", "quantity": "0"})
    assert refused.status_code == 422
    assert "Choose a reason for the hold" in refused.text
    for _ in range(2):
        assert (await yard.send(yard.exporter, path, **given)).status_code == 303
    assert (await yard.balance())["held"] == 20
    listed = await yard.see(yard.operator, "/stock/holds", state="live")
    found = re.search(r'href="(/stock/holds/[^"]+)"', listed.text)
    assert found
    page = await yard.see(yard.operator, found[1])
    assert "Only the organisation that placed this hold can release it" in page.text
    assert (await yard.send(yard.operator, found[1], note="x")).status_code == 403
    assert (await yard.see(await build.exporter(), found[1])).status_code == 404
    assert (await yard.send(await build.exporter(), found[1], note="x")).status_code == 404
    assert (await yard.send(yard.exporter, found[1], note="x" * 600)).status_code == 422
    done = await yard.send(yard.exporter, found[1], note="papers came")
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert "The hold on 20 pieces is released" in (await yard.see(yard.exporter, path)).text
    assert (await yard.balance())["held"] == 0
    twice = await yard.send(yard.exporter, found[1], note="papers came")
    assert (twice.status_code, twice.headers["location"]) == (303, found[1])
    assert "papers came" in (await yard.see(yard.operator, found[1])).text


# --------------------------------------------------------------------------------------------------------- documents


async def test_a_document_shows_each_owner_its_own_lines(yard: Yard) -> None:
    other = await build.exporter()
    item = await build.item(other)
    lines = [
        codes.Request(viewer.organisation_code, code, None, "SUPPLIER", yard.bins[0], "GOOD", "GOOD", 5)
        for viewer, code in ((yard.exporter, yard.item), (other, item.code))
    ]
    posted = await actions.post_document(
        yard.operator, yard.warehouse, "RECEIPT", lines, request_key="two", request_hash=b"x", reference="ASN 7"
    )
    path = f"/stock/documents/{yard.warehouse_id}/{posted.document_id}"
    page = await yard.see(yard.operator, path)
    assert all(each in page.text for each in (yard.item, item.code, "ASN 7", yard.operator.name, "UTC+1"))
    assert item.code not in (await yard.see(yard.exporter, path)).text
    assert yard.item not in (await yard.see(other, path)).text
    stranger = await build.operator()
    for foreign in (stranger, await build.exporter()):
        assert (await yard.see(foreign, path)).status_code == 404
        assert (await yard.send(foreign, path, note="x")).status_code in (403, 404)
    for made_up in (f"{'9' * 25}/{posted.document_id}", f"{yard.warehouse_id}/{values.new_id()}", "1/x"):
        assert (await yard.see(yard.operator, f"/stock/documents/{made_up}")).status_code == 404


async def test_a_document_is_reversed_once_with_a_reason(yard: Yard) -> None:
    posted = await yard.book(quantity=11)
    path = f"/stock/documents/{yard.warehouse_id}/{posted.document_id}"
    assert "form-reverse" in (await yard.see(yard.operator, path)).text
    for viewer in (yard.exporter, await build.committee(Role.CHAIR)):
        assert "form-reverse" not in (await yard.see(viewer, path)).text
        assert (await yard.send(viewer, path, note="no")).status_code == 403
    refused = await yard.send(yard.operator, path, note="")
    assert (refused.status_code, "Say why the document is reversed" in refused.text) == (422, True)
    done = await yard.send(yard.operator, path, note="wrong item")
    assert done.status_code == 303
    reversal = await yard.see(yard.operator, done.headers["location"])
    assert "The document is reversed by document" in reversal.text
    assert "wrong item" in reversal.text
    assert path in reversal.text
    assert (await yard.balance())["on_hand"] == 100
    twice = await yard.send(yard.operator, path, note="wrong item")
    assert (twice.status_code, twice.headers["location"]) == (303, path)
    assert done.headers["location"] in (await yard.see(yard.operator, path)).text
    assert (await yard.balance())["on_hand"] == 100


def lines(*rows: dict[str, str]) -> dict[str, str]:
    """Rows of the booking form as its fields; an empty one is left out."""
    return {f"lines.{number}.{name}": value for number, row in enumerate(rows) for name, value in row.items()}


async def test_a_document_is_booked_by_hand_with_what_the_reason_implies(yard: Yard) -> None:
    page = await yard.see(yard.operator, "/stock/post", warehouse=yard.warehouse, reason="SALE")
    assert page.text.count('name="lines.4.item"') == 1
    assert f'<option value="{yard.bins[1]}">' in page.text
    line = {"owner": yard.exporter.organisation_code, "item": yard.item, "lot": yard.lot, "source": yard.bins[0]}
    given = {
        "warehouse": yard.warehouse,
        "reason": "SALE",
        "key": key_of(page, "post"),
        "occurred_at": f"{datetime.now(UTC) - timedelta(days=0):%Y-%m-%d}T00:00",
        "reference": "SO 1",
        **lines({**line, "quantity": "2"}, {}, {**line, "owner": "", "quantity": "3"}),
    }
    await yard.book(occurred_at=clock.now() - timedelta(days=9))
    for _ in range(2):
        done = await yard.send(yard.operator, "/stock/post", **given)
        assert done.status_code == 303
    shown = await yard.see(yard.operator, done.headers["location"])
    assert "Buyer" in shown.text
    assert (await yard.balance())["on_hand"] == 195
    occurred = await DB.value("select occurred_at from document where reference = 'SO 1'")
    assert occurred.isoformat().endswith("T23:00:00+00:00")
    assert await yard.documents() == 3


async def test_every_cell_of_a_document_says_what_is_wrong_with_it(yard: Yard) -> None:
    owner = yard.exporter.organisation_code
    typed = {
        "warehouse": yard.warehouse,
        "reason": "RECEIPT",
        "key": "k",
        "occurred_at": "yesterday",
        **lines(
            {"item": yard.item, "target": yard.bins[0], "quantity": "1"},
            {},
            {"owner": owner, "item": "NO-SUCH", "target": "NOWHERE", "quantity": "1,5"},
            {"owner": owner, "item": yard.item, "lot": "L-9", "source": yard.bins[1], "target": "", "quantity": "2"},
        ),
    }
    answer = await yard.send(yard.operator, "/stock/post", **typed)
    assert answer.status_code == 422
    wrong = set(re.findall(r'id="f-([\w.]+)-error"', answer.text))
    assert wrong == {
        "occurred_at",
        *("lines.0.owner", "lines.2.item", "lines.2.target", "lines.2.quantity", "lines.3.lot", "lines.3.target"),
    }
    assert all(f'value="{value}"' in answer.text for value in ("NO-SUCH", "NOWHERE", "1,5", "yesterday"))
    assert key_of(answer, "post") == "k"
    right = {**typed, **{name: "" for name in typed if name.startswith("lines.")}}
    right |= lines({"owner": owner, "item": yard.item, "target": yard.bins[0], "quantity": "1"})
    only_the_time = await yard.send(yard.operator, "/stock/post", **right)
    assert set(re.findall(r'id="f-([\w.]+)-error"', only_the_time.text)) == {"occurred_at"}
    future = await yard.send(yard.operator, "/stock/post", **{**right, "occurred_at": "2999-01-01T00:00"})
    assert "lies in the future" in future.text
    nothing = await yard.send(yard.operator, "/stock/post", key="k")
    assert set(re.findall(r'id="f-([\w.]+)-error"', nothing.text)) == {"warehouse", "reason", "lines.0.item"}
    assert await yard.documents() == 1


async def test_two_lines_that_together_overdraw_are_refused_together(yard: Yard) -> None:
    line = {"owner": yard.exporter.organisation_code, "item": yard.item, "lot": yard.lot, "source": yard.bins[0]}
    rows = lines({**line, "quantity": "60"}, {}, {**line, "quantity": "60"})
    answer = await yard.send(yard.operator, "/stock/post", warehouse=yard.warehouse, reason="SALE", key="k", **rows)
    assert answer.status_code == 422
    assert set(re.findall(r'id="f-([\w.]+)-error"', answer.text)) == {"lines.0.quantity", "lines.2.quantity"}
    assert (await yard.balance())["on_hand"] == 100


async def test_more_rows_come_without_losing_what_was_typed(yard: Yard) -> None:
    typed = {"warehouse": yard.warehouse, "key": "k", "deed": "more", **lines({"item": "ABC"}, *[{"item": ""}] * 4)}
    answer = await yard.send(yard.operator, "/stock/post", **typed)
    assert answer.status_code == 200
    assert 'name="lines.9.item"' in answer.text
    assert 'value="ABC"' in answer.text
    assert key_of(answer, "post") == "k"


async def test_a_document_is_booked_only_in_a_warehouse_of_ones_own(yard: Yard) -> None:
    stranger = await build.operator()
    mine = await build.warehouse(stranger)
    stranger = await build.again(stranger)
    row = {"owner": yard.exporter.organisation_code, "item": yard.item, "target": yard.bins[0], "quantity": "1"}
    typed = {"warehouse": yard.warehouse, "reason": "RECEIPT", "key": "k", **lines(row)}
    answer = await yard.send(stranger, "/stock/post", **typed)
    assert answer.status_code == 422
    assert f"There is no warehouse “{yard.warehouse}” in your view" in answer.text
    assert f'"{yard.warehouse}"' not in (await yard.see(stranger, "/stock/post")).text
    assert mine.code in (await yard.see(stranger, "/stock/post")).text
    for reader in (yard.exporter, await build.committee()):
        assert (await yard.see(reader, "/stock/post")).status_code == 403
        assert (await yard.send(reader, "/stock/post", **typed)).status_code == 403


# -------------------------------------------------------------------------------------------- reservations and lots


async def test_goods_are_reserved_by_form_and_given_back(yard: Yard) -> None:
    page = await yard.see(yard.exporter, "/stock/reservations/new", warehouse=yard.warehouse, item=yard.item)
    assert 'name="owner"' not in page.text
    given = {
        "warehouse": yard.warehouse,
        "item": yard.item,
        "quantity": "40",
        "condition": "GOOD",
        "source": "Order 4711",
        "expires_at": f"{clock.now() + timedelta(days=3):%Y-%m-%dT%H:%M}",
        "key": key_of(page, "reserve"),
    }
    for _ in range(2):
        assert (await yard.send(yard.exporter, "/stock/reservations/new", **given)).status_code == 303
    assert (await yard.balance())["allocated"] == 40
    listed = await yard.see(yard.exporter, "/stock/reservations", state="live")
    found = re.search(r'action="(/stock/reservations/[^"]+/cancel)"', listed.text)
    assert found
    assert "Order 4711" in listed.text
    for foreign in (await build.operator(), await build.exporter()):
        assert (await yard.send(foreign, found[1])).status_code == 404
    assert (await yard.send(await build.committee(), found[1])).status_code == 403
    for expected in ("The reservation is cancelled", "This has been ended already"):
        done = await yard.send(yard.exporter, found[1], next="/stock/reservations?state=cancelled")
        assert (done.status_code, done.headers["location"]) == (303, "/stock/reservations?state=cancelled")
        assert expected in (await yard.see(yard.exporter, done.headers["location"])).text
    away = await yard.send(yard.exporter, found[1], next="https://elsewhere.example/")
    assert away.headers["location"] == "/stock/reservations"
    assert (await yard.balance())["allocated"] == 0


async def test_a_refused_reservation_says_everything_at_once(yard: Yard) -> None:
    new = "/stock/reservations/new"
    nothing = await yard.send(yard.operator, new, key="k", warehouse=yard.warehouse)
    assert nothing.status_code == 422
    assert set(re.findall(r'id="f-(\w+)-error"', nothing.text)) == {
        *("owner", "item", "quantity", "condition", "source", "expires_at")
    }
    given = {
        "warehouse": yard.warehouse,
        "owner": yard.exporter.organisation_code,
        "item": yard.item,
        "quantity": "101",
        "condition": "GOOD",
        "source": "Order",
        "expires_at": f"{clock.now() + timedelta(days=3):%Y-%m-%dT%H:%M}",
        "key": "k",
    }
    too_many = await yard.send(yard.operator, new, **given)
    assert (too_many.status_code, f"Only 100 of {yard.item} are free" in too_many.text) == (422, True)
    past = await yard.send(yard.operator, new, **{**given, "expires_at": "2020-01-01T00:00", "location": "NOWHERE"})
    assert set(re.findall(r'id="f-(\w+)-error"', past.text)) == {"expires_at", "location"}
    assert (await yard.send(await build.exporter(), new, **given)).status_code == 422
    assert (await yard.see(await build.committee(), new)).status_code == 403
    assert (await yard.balance())["allocated"] == 0


async def test_lots_are_registered_with_their_declaration(yard: Yard) -> None:
    given = {
        "item": yard.item,
        "lot": "l-2",
        "declaration_no": "D-1",
        "declaration_line": "2",
        "supervision_code": "9810",
        "exported_on": "2026-11-03",
        "expires_on": "",
    }
    assert (await yard.send(yard.exporter, "/stock/lots/new", **given)).status_code == 303
    shown = await yard.see(yard.exporter, "/stock/lots", declaration="D-1")
    assert "L-2" in shown.text
    assert "Nov 3, 2026" in shown.text
    assert "L-2" not in (await yard.see(yard.operator, "/stock/lots")).text
    twice = await yard.send(yard.exporter, "/stock/lots/new", **given)
    assert (twice.status_code, "has a lot “L-2” already" in twice.text) == (409, True)
    bad = {
        **given,
        "item": "NO",
        "lot": "=x",
        "declaration_line": "two",
        "supervision_code": "98",
        "exported_on": "3.11.",
    }
    refused = await yard.send(yard.exporter, "/stock/lots/new", **bad)
    assert refused.status_code == 422
    assert set(re.findall(r'id="f-(\w+)-error"', refused.text)) == {
        *("item", "lot", "declaration_line", "supervision_code", "exported_on")
    }
    other = await build.exporter()
    assert (await yard.send(other, "/stock/lots/new", **{**given, "lot": "L-3"})).status_code == 422
    assert (await yard.see(await build.committee(), "/stock/lots/new")).status_code == 403


# -------------------------------------------------------------------------------------------------------------- past


async def test_the_stock_of_a_past_moment_is_worked_out(yard: Yard) -> None:
    await yard.book(quantity=25, target=yard.bins[1], occurred_at=datetime(2026, 1, 10, 11, 30, tzinfo=UTC))
    # Hamburg is an hour ahead of UTC in winter.
    for at, expected in (("2026-01-10T12:31", ["25"]), ("2026-01-10T12:29", [])):
        page = await yard.see(yard.operator, "/stock/at", warehouse=yard.warehouse, at=at)
        assert page.status_code == 200
        assert re.findall(r'data-label="On hand">(\d+)', page.text) == expected
    asked = {"warehouse": yard.warehouse, "at": "2026-01-10T12:31"}
    for viewer, rows in (
        (yard.operator, 1),
        (yard.exporter, 1),
        (await build.committee(), 1),
        (await build.exporter(), 0),
    ):
        file = await yard.see(viewer, "/stock/at.csv", **asked)
        assert file.text.startswith(f'{BOM}"Owner","Item"')
        assert file.text.count(yard.item) == rows
        assert ("'=1+1" in file.text) == bool(rows)


async def test_a_moment_that_makes_no_sense_is_refused(yard: Yard) -> None:
    stranger = await build.operator()
    await build.warehouse(stranger)
    foreign = await yard.see(await build.again(stranger), "/stock/at", warehouse=yard.warehouse, at="2026-01-10T12:31")
    assert foreign.status_code == 422
    assert f"There is no warehouse “{yard.warehouse}” in your view" in foreign.text
    assert (
        await yard.see(await build.again(stranger), "/stock/at.csv", warehouse=yard.warehouse, at="2026-01-10T12:31")
    ).status_code == 422
    for at, sentence in (
        ("2999-01-01T00:00", "lies in the future"),
        ("soon", "not a date with a time"),
        ("", "Give a day and a time"),
    ):
        answer = await yard.see(yard.operator, "/stock/at", warehouse=yard.warehouse, at=at)
        assert (answer.status_code, sentence in answer.text) == (422, True)
    empty = await yard.see(yard.operator, "/stock/at")
    assert (empty.status_code, "Choose a warehouse and a moment" in empty.text) == (200, True)
