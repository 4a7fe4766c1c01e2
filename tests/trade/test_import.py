"""Files through the ledger: what is booked, opened, rejected, and never twice."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.access.rules import Viewer
from backend.core import values
from backend.core.database import DB
from backend.core.errors import NotAllowed
from backend.stock import actions as stock_actions
from backend.stock import ledger
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules
from backend.stock.rules import Place, Posting, Reason
from backend.trade import actions, posting, rules, work
from backend.trade.actions import Summary
from tests import build
from tests.trade import files
from tests.trade.files import Row, row
from tests.trade.test_mapping import MARKTKAUF
from tests.trade.test_reading import PUBLIC_DATA

pytestmark = pytest.mark.usefixtures("database")


class Shop:
    """An operator with a warehouse, and an exporter whose goods are there."""

    def __init__(self, viewer: Viewer, warehouse: str, warehouse_id: int, exporter: Viewer, folder: Path) -> None:
        self.viewer, self.warehouse, self.warehouse_id = viewer, warehouse, warehouse_id
        self.exporter, self.folder = exporter, folder

    async def run(self, rows: Iterable[Row] | Path, *, open_missing: bool = True, create: bool = True) -> Summary:
        """Import these rows, or this file."""
        file = rows if isinstance(rows, Path) else files.write(self.folder / "sales.csv", rows)
        return await actions.import_trade(
            self.viewer,
            file,
            warehouse=self.warehouse,
            exporter=self.exporter.organisation_code,
            mapping="online-retail",
            open_missing=open_missing,
            create=create,
            progress=lambda done, whole: None,
            folder=self.folder,
        )

    async def on_hand(self) -> dict[str, int]:
        """Pieces on hand by item code."""
        rows = await DB.fetch(
            "select i.code, h.on_hand from stock_on_hand h join item i on i.id = h.item_id where h.warehouse_id = $1",
            self.warehouse_id,
        )
        return {each["code"]: each["on_hand"] for each in rows}

    async def moved(self, reason: Reason) -> dict[str, int]:
        """Pieces that the reason brought, by item code."""
        rows = await DB.fetch(
            """select i.code, sum(case when m.target_id >= 1000 then quantity else -quantity end)::bigint as pieces
            from movement m join document d using (warehouse_id, document_id) join item i on i.id = m.item_id
            where m.warehouse_id = $1 and d.reason = $2 group by i.code""",
            self.warehouse_id,
            int(reason),
        )
        return {each["code"]: each["pieces"] for each in rows}

    async def receive(self, item: str, pieces: int, at: datetime | None = None) -> None:
        """Goods of an item that is there already come in."""
        item_id, owner_id = await DB.row(
            "select id, owner_id from item where code = $1 and owner_id = $2", item, self.exporter.organisation_id
        ) or (0, 0)
        place = await DB.value("select id from location where warehouse_id = $1 and code = 'TRADE'", self.warehouse_id)
        line = Posting(owner_id, item_id, 0, Place.SUPPLIER, place, 1, 1, pieces)
        key = str(values.new_id())
        actor = ledger.actor_of(self.viewer)
        await ledger.post(
            actor, self.warehouse_id, Reason.RECEIPT, [line], request_key=key, request_hash=b"x", occurred_at=at
        )

    async def hold(self, pieces: int) -> None:
        """Freeze pieces of the first item."""
        row = await DB.row("select * from balance where warehouse_id = $1 and on_hand > 0", self.warehouse_id)
        assert row is not None
        key = tuple(row[name] for name in ("warehouse_id", "owner_id", "item_id", "lot_id", "location_id", "condition"))
        await stock_actions.hold(
            self.viewer, key, quantity=pieces, reason="quality", note="", request_key=str(values.new_id())
        )

    async def state(self) -> list[tuple[object, ...]]:
        """Everything the book says, without ids made anew each time."""
        await DB.run("analyze movement, document, item")  # as the server does by itself, a minute later
        rows = await DB.fetch(
            """select d.reference, d.reason, m.occurred_at, i.code, m.source_id < 1000, m.target_id < 1000, m.quantity,
            count(*) from movement m join document d using (warehouse_id, document_id) join item i on i.id = m.item_id
            where m.warehouse_id = $1 group by 1, 2, 3, 4, 5, 6, 7 order by 1, 2, 3, 4, 5, 6, 7""",
            self.warehouse_id,
        )
        return [tuple(each) for each in rows]


@pytest.fixture
async def shop(tmp_path: Path) -> Shop:
    return await make_shop(tmp_path)


async def make_shop(folder: Path) -> Shop:
    """A fresh operator, warehouse and exporter."""
    operator = await build.operator()
    place = await build.warehouse(operator, time_zone="Europe/London")
    viewer = await build.again(operator)
    return Shop(viewer, place.code, place.id, await build.exporter(), folder)


def rejected(summary: Summary) -> list[dict[str, str]]:
    """The rows of the file of rejected rows."""
    assert summary.rejected_file
    with Path(summary.rejected_file).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


async def no_differences() -> bool:
    """Whether the book is right in itself."""
    return not await stock_queries.differences()


@pytest.mark.skipif(not PUBLIC_DATA.exists(), reason="the public data set is not beside the project")
async def test_the_public_data_set_goes_through_whole(shop: Shop) -> None:
    first = await shop.run(PUBLIC_DATA)
    assert (first.rows, first.posted, first.rejected, first.already) == (77_628, 77_252, 376, 0)
    assert first.reasons == {"not_goods": 376}
    assert len(rejected(first)) == 376
    assert (first.new_items, first.spellings) == (2_970, 68)
    opening, sold = await shop.moved(Reason.OPENING), await shop.moved(Reason.SALE)
    back, adjusted = await shop.moved(Reason.RETURN), await shop.moved(Reason.ADJUSTMENT)
    on_hand = await shop.on_hand()
    items = opening.keys() | sold.keys() | back.keys() | adjusted.keys()
    assert len(items) == 2_970
    for item in items:
        here = opening.get(item, 0) + sold.get(item, 0) + back.get(item, 0) + adjusted.get(item, 0)
        assert here == on_hand.get(item, 0) >= 0
    assert await no_differences()
    assert sum(opening.values()) == first.opened == lowest_points(PUBLIC_DATA)
    before = await shop.state()
    second = await shop.run(PUBLIC_DATA)
    assert (second.rows, second.posted, second.already, second.opened) == (77_628, 77_252, 77_252, 0)
    assert await shop.state() == before


def lowest_points(path: Path) -> int:
    """What has to be opened, worked out the slow way."""
    import gzip

    running: dict[str, int] = defaultdict(int)
    lowest: dict[str, int] = defaultdict(int)
    no_goods = {"POST", "D", "C2", "DOT", "M", "BANK CHARGES", "S", "AMAZONFEE"}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for each in csv.DictReader(file):
            code = each["StockCode"].upper()
            if code in no_goods or code.startswith("GIFT_"):
                continue
            pieces, word = int(each["Quantity"]), each["Description"]
            remark = float(each["UnitPrice"]) == 0 and word[1:].lower() == word[1:]
            adjusted = not each["InvoiceNo"].startswith("C") and (pieces < 0 or remark)
            running[code] += pieces if adjusted else -pieces
            lowest[code] = min(lowest[code], running[code])
    return -sum(lowest.values())


async def test_each_kind_of_row_moves_goods_between_its_ends(shop: Shop) -> None:
    rows = [
        row("1", quantity=6),
        row("1", quantity=6),
        row("C2", quantity=-2, at="2010-12-02 10:00:00"),
        row("3", quantity=-3, description="", price="0.0", at="2010-12-03 10:00:00"),
        row("4", quantity=5, description="found", price="0.0", at="2010-12-04 10:00:00"),
        row("5", item="POST", at="2010-12-05 10:00:00"),
    ]
    summary = await shop.run(rows)
    assert (summary.rows, summary.posted, summary.rejected, summary.opened) == (6, 5, 1, 13)
    assert await shop.on_hand() == {"85123A": 5}
    assert [line[:3] + line[4:] for line in await shop.state()] == [
        ("1", 4, datetime(2010, 12, 1, 8, 26, tzinfo=UTC), False, True, 6, 2),
        ("3", 6, datetime(2010, 12, 3, 10, tzinfo=UTC), False, True, 3, 1),
        ("4", 6, datetime(2010, 12, 4, 10, tzinfo=UTC), True, False, 5, 1),
        ("C2", 5, datetime(2010, 12, 2, 10, tzinfo=UTC), True, False, 2, 1),
        ("sales.csv", 2, datetime(2010, 12, 1, 8, 25, 59, tzinfo=UTC), True, False, 13, 1),
    ]
    names = await DB.value("select names from item where owner_id = $1", shop.exporter.organisation_id)
    assert names == {"en": "WHITE HANGING HEART"}
    lines = await DB.fetch("select line_no from trade_row where run_id = $1 order by 1", summary.run_id)
    assert [each["line_no"] for each in lines] == [2, 3, 4, 5, 6]


async def test_an_invoice_is_one_document_with_its_lines_in_order(shop: Shop) -> None:
    await shop.run([row("7", item=f"I{n}", quantity=n) for n in range(1, 6)])
    rows = await DB.fetch(
        """select m.line_no, i.code, d.request_key from movement m join document d using (warehouse_id, document_id)
        join item i on i.id = m.item_id where m.warehouse_id = $1 and d.reference = '7' order by 1""",
        shop.warehouse_id,
    )
    assert [(each["line_no"], each["code"]) for each in rows] == [(n, f"I{n}") for n in range(1, 6)]
    assert len({each["request_key"] for each in rows}) == 1


async def test_overlapping_files_book_no_row_twice(shop: Shop) -> None:
    december = [row(str(n), quantity=n, at=f"2010-12-{n:02} 10:00:00") for n in range(1, 11)]
    twice = [row("10", quantity=10, at="2010-12-10 10:00:00")]
    await shop.run([*december, *twice])
    summary = await shop.run([*december[5:], *twice, *twice, row("11", quantity=1, at="2010-12-11 10:00:00")])
    assert (summary.rows, summary.already, summary.posted) == (8, 6, 8)
    assert await shop.moved(Reason.SALE) == {"85123A": -(55 + 10 + 10 + 1)}
    assert await no_differences()


async def test_an_earlier_month_imported_later_leaves_no_instant_below_zero(shop: Shop) -> None:
    january = [row("20", quantity=10, at="2011-01-10 10:00:00"), row("C21", quantity=-4, at="2011-01-20 10:00:00")]
    await shop.run(january)
    assert await shop.on_hand() == {"85123A": 4}
    december = [row("10", quantity=4, at="2010-12-10 10:00:00")]
    summary = await shop.run(december)
    assert summary.opened == 4
    assert await shop.on_hand() == {"85123A": 4}
    assert await lowest_ever(shop) == 0


async def test_stock_that_came_later_does_not_cover_an_earlier_sale(shop: Shop) -> None:
    await shop.run([row("1", quantity=1)])
    await shop.receive("85123A", 50)
    short = await shop.run([row("2", quantity=5, at="2010-12-05 10:00:00")], open_missing=False)
    assert short.reasons == {"not_enough": 1}
    opened = await shop.run([row("2", quantity=5, at="2010-12-05 10:00:00")])
    assert (opened.opened, opened.posted) == (5, 1)
    assert await shop.on_hand() == {"85123A": 50}
    assert await lowest_ever(shop) == 0


async def lowest_ever(shop: Shop) -> int:
    """The lowest stock of any item at any instant."""
    lowest = await DB.value(
        """select min(on_hand) from (select sum(sum(change)) over (partition by item_id order by occurred_at) as on_hand
        from stock_change where warehouse_id = $1 group by item_id, occurred_at) s""",
        shop.warehouse_id,
    )
    return int(lowest)


async def test_rows_that_find_too_little_are_rejected_one_by_one(shop: Shop) -> None:
    await shop.run([row("0", quantity=1)])
    await shop.receive("85123A", 10, datetime(2010, 12, 2, tzinfo=UTC))
    rows = [
        row("1", quantity=8, at="2010-12-03 10:00:00"),
        row("2", quantity=5, at="2010-12-04 10:00:00"),
        row("3", quantity=2, at="2010-12-05 10:00:00"),
        row("C4", quantity=-3, at="2010-12-06 10:00:00"),
        row("5", quantity=3, at="2010-12-07 10:00:00"),
        row("6", item="22222", quantity=1, at="2010-12-07 10:00:00"),
    ]
    summary = await shop.run(rows, open_missing=False)
    assert summary.reasons == {"not_enough": 2}
    assert [(each["luocang_line"], each["luocang_value"], each["InvoiceNo"]) for each in rejected(summary)] == [
        ("3", "5", "2"),
        ("7", "1", "6"),
    ]
    assert await shop.on_hand() == {}
    assert await no_differences()


async def test_held_pieces_are_not_free(shop: Shop) -> None:
    await shop.run([row("0", quantity=1)])
    await shop.receive("85123A", 10, datetime(2010, 12, 2, tzinfo=UTC))
    await shop.hold(7)
    rows = [row("1", quantity=3, at="2010-12-03 10:00:00"), row("2", quantity=1, at="2010-12-04 10:00:00")]
    assert (await shop.run(rows, open_missing=False)).reasons == {"not_enough": 1}


async def test_unknown_items_are_rejected_unless_they_may_be_created(shop: Shop) -> None:
    summary = await shop.run([row(), row("2", item="NEW")], create=False)
    assert summary.reasons == {"unknown_item": 2}
    assert "create" in rejected(summary)[1]["luocang_reason"]
    again = await shop.run(Path(summary.rejected_file or ""), create=True)
    assert (again.posted, again.rejected, again.new_items) == (2, 0, 2)


async def test_items_are_named_by_their_most_frequent_description(shop: Shop) -> None:
    names = ["RED MUG ", "RED MUG", "RED  CUP", "", "?"]
    await shop.run(
        [row(str(n), item="22", description=name) for n, name in enumerate(names)]
        + [row("C9", item="23", description=" ", quantity=-1), row("99", item="24", description="=cmd()")]
    )
    rows = await DB.fetch("select code, names from item where owner_id = $1", shop.exporter.organisation_id)
    assert {each["code"]: each["names"]["en"] for each in rows} == {"22": "RED MUG", "23": "23", "24": "=cmd()"}


# ------------------------------------------------------------------------------------------------- correct and repeat


async def test_corrected_rows_are_booked_once_whichever_way_they_come_back(shop: Shop) -> None:
    good, bad = row("1"), row("1", quantity="6.5")
    first = await shop.run([good, bad])
    path = Path(first.rejected_file or "")
    # The correction makes the row the same as its neighbour: it is still another sale.
    path.write_text(path.read_text(encoding="utf-8-sig").replace(",6.5,2010", ",6,2010", 1), encoding="utf-8")
    second = await shop.run(path)
    assert (second.rows, second.posted, second.already, second.rejected) == (1, 1, 0, 0)
    assert await shop.moved(Reason.SALE) == {"85123A": -12}
    assert (await shop.run(path)).already == 1
    # The retailer's next export has the corrected row too.
    third = await shop.run([good, row("1")])
    assert (third.posted, third.already) == (2, 2)
    assert await shop.moved(Reason.SALE) == {"85123A": -12}
    # The same rejected row, corrected in another way, is booked already.
    path.write_text(path.read_text(encoding="utf-8").replace(",6,2010", ",9,2010", 1), encoding="utf-8")
    assert (await shop.run(path)).already == 1
    assert await no_differences()


async def test_rejected_rows_keep_their_place_among_rows_that_are_the_same(shop: Shop) -> None:
    await shop.run([row("0", quantity=1)])
    await shop.receive("85123A", 6, datetime(2010, 12, 1, tzinfo=UTC))
    first = await shop.run([row("1"), row("1")], open_missing=False)
    assert (first.posted, first.reasons) == (1, {"not_enough": 1})
    path = Path(first.rejected_file or "")
    assert (await shop.run(path, open_missing=False)).reasons == {"not_enough": 1}
    await shop.receive("85123A", 6, datetime(2010, 12, 1, tzinfo=UTC))
    assert (await shop.run(path, open_missing=False)).already == 0
    assert (await shop.run([row("1"), row("1")], open_missing=False)).already == 2
    assert (await shop.run(path)).already == 1
    assert await shop.moved(Reason.SALE) == {"85123A": -13}


async def test_a_correction_that_is_rejected_again_is_booked_once_from_either_file(shop: Shop) -> None:
    await shop.run([row("0", quantity=1)])
    first = await shop.run([row("1", quantity="x")])
    path = Path(first.rejected_file or "")
    path.write_text(path.read_text(encoding="utf-8-sig").replace(",x,2010", ",4,2010", 1), encoding="utf-8")
    second = await shop.run(path, open_missing=False)
    assert second.reasons == {"not_enough": 1}
    third = await shop.run(Path(second.rejected_file or ""))
    assert (third.posted, third.already) == (1, 0)
    assert (await shop.run(path)).already == 1
    assert await shop.moved(Reason.SALE) == {"85123A": -5}


async def test_an_origin_of_another_tenant_says_nothing(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = await make_shop(tmp_path / "other")
    foreign = await other.run([row("1", quantity="x")])
    path = Path(foreign.rejected_file or "")
    path.write_text(path.read_text(encoding="utf-8-sig").replace(",x,2010", ",4,2010", 1), encoding="utf-8")
    assert (await shop.run(path)).posted == 1
    assert await DB.value("select count(*) from trade_correction where run_id = $1", foreign.run_id) == 0


async def test_formulas_are_made_harmless_and_come_back_as_they_were(shop: Shop) -> None:
    first = await shop.run([row("1", item="=2+3", description="@SUM(A1)", quantity=-1)])
    (told,) = rejected(first)
    assert (told["StockCode"], told["Description"], told["Quantity"]) == ("'=2+3", "'@SUM(A1)", "-1")
    assert told["luocang_value"] == "'=2+3"
    again = await shop.run(Path(first.rejected_file or ""))
    assert rejected(again)[0]["StockCode"] == "'=2+3"


async def test_rejected_files_are_never_overwritten(shop: Shop) -> None:
    one, two = await shop.run([row(item="POST")]), await shop.run([row(item="POST")])
    assert one.rejected_file != two.rejected_file


# ------------------------------------------------------------------------------------------------------ who and where


async def test_without_create_what_is_missing_is_named_with_its_flag(shop: Shop) -> None:
    file = files.write(shop.folder / "f.csv", [row()])
    common = {"mapping": "online-retail", "open_missing": True, "create": False, "progress": lambda *_: None}
    with pytest.raises(rules.NoSuchWarehouse, match="--create"):
        await actions.import_trade(
            shop.viewer, file, warehouse="NOWHERE", exporter=shop.exporter.organisation_code, **common
        )  # type: ignore[arg-type]
    with pytest.raises(rules.NoSuchExporter, match="--create"):
        await actions.import_trade(shop.viewer, file, warehouse=shop.warehouse, exporter="NOBODY", **common)  # type: ignore[arg-type]
    with pytest.raises(rules.NotAnExporter):
        await actions.import_trade(
            shop.viewer,
            file,
            warehouse=shop.warehouse,
            exporter=shop.viewer.organisation_code,
            **common,  # type: ignore[arg-type]
        )


async def test_the_console_makes_warehouse_operator_and_exporter(tmp_path: Path) -> None:
    viewer = await actions.importer(None, "new-1")
    summary = await actions.import_trade(
        viewer,
        files.write(tmp_path / "f.csv", [row()]),
        warehouse="new-1",
        exporter="fresh",
        mapping="online-retail",
        open_missing=True,
        create=True,
        progress=lambda *_: None,
        folder=tmp_path,
    )
    assert summary.posted == 1
    made = await DB.row(
        """select w.status, w.time_zone, o.code, j.count from warehouse w join organisation o on o.id = w.operator_id,
        (select count(*) from journal where action in ('warehouse.created', 'organisation.created', 'trade.imported')
         and channel = 'command') j where w.code = 'NEW-1'"""
    )
    assert made is not None
    assert tuple(made)[:3] == ("draft", "Europe/London", "NEW-1-OPERATOR")
    assert made["count"] >= 4
    second = await actions.importer(None, "NEW-1")
    assert second.organisation_code == "NEW-1-OPERATOR"


async def test_a_command_acts_for_a_manager_of_the_operator_or_for_the_person_named(shop: Shop) -> None:
    assert (await actions.importer(None, shop.warehouse)).email == shop.viewer.email
    assert (await actions.importer(shop.exporter.email, shop.warehouse)).email == shop.exporter.email


async def test_nothing_is_made_for_a_file_that_is_refused(tmp_path: Path) -> None:
    viewer = await actions.importer(None, "never")
    path = tmp_path / "f.csv"
    path.write_text(files.text([row(description='"open')]))
    with pytest.raises(rules.FileRefused):
        await actions.import_trade(
            viewer, path, warehouse="never", exporter="none", mapping="online-retail",
            open_missing=True, create=True, progress=lambda *_: None,
        )  # fmt: skip
    assert await DB.value("select count(*) from warehouse where code = 'NEVER'") == 0
    assert await DB.value("select count(*) from pg_tables where schemaname = 'trade_staging'") == 0


async def test_only_the_operator_imports_into_its_warehouse(shop: Shop, tmp_path: Path) -> None:
    file = files.write(tmp_path / "f.csv", [row()])
    for stranger in (await build.operator(), shop.exporter, await build.committee()):
        with pytest.raises(NotAllowed):
            await actions.import_trade(
                stranger, file, warehouse=shop.warehouse, exporter=shop.exporter.organisation_code,
                mapping="online-retail", open_missing=True, create=True, progress=lambda *_: None,
            )  # fmt: skip


async def test_a_closed_warehouse_takes_nothing(shop: Shop) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator, status="closed")
    shop.viewer, shop.warehouse = await build.again(operator), place.code
    with pytest.raises(stock_rules.WarehouseClosed):
        await shop.run([row()])


async def test_the_same_code_of_two_exporters_is_two_items(shop: Shop) -> None:
    await shop.run([row()])
    shop.exporter = await build.exporter()
    assert (await shop.run([row()])).already == 0
    assert await DB.value("select count(*) from movement where warehouse_id = $1", shop.warehouse_id) == 4


async def test_another_retailer_needs_one_more_file_and_no_code(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "marktkauf.toml").write_bytes(MARKTKAUF)
    path = tmp_path / "verkauf.csv"
    path.write_text(
        "Beleg;Position;Artikel;Menge;Datum;Vorgang\n"
        "B-1;1;s-1;3;24.12.2025;Verkauf\nB-1;2;S-1;3;24.12.2025;Verkauf\nB-2;1;S-1;2;27.12.2025;Retoure\n"
        "B-2;2;VERSAND;1;27.12.2025;Verkauf\n"
    )
    summary = await actions.import_trade(
        shop.viewer, path, warehouse=shop.warehouse, exporter=shop.exporter.organisation_code,
        mapping=str(tmp_path / "marktkauf.toml"), open_missing=True, create=True, progress=lambda *_: None, folder=tmp_path,
    )  # fmt: skip
    assert (summary.posted, summary.rejected, summary.opened) == (3, 1, 6)
    assert await shop.on_hand() == {"S-1": 2}
    assert rejected(summary)[0].keys() == {"\ufeffBeleg;x"} or ";" in Path(summary.rejected_file or "").read_text()
    first = await DB.value("select min(occurred_at) from movement where warehouse_id = $1", shop.warehouse_id)
    assert first == datetime(2025, 12, 23, 22, 59, 59, tzinfo=UTC)


# ------------------------------------------------------------------------------------------------------- interruptions


async def test_large_files_are_cut_into_transactions_in_the_order_of_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "CHUNK_ROWS", 7)
    monkeypatch.setattr(posting, "BATCH_ROWS", 11)
    monkeypatch.setattr(posting, "OPENING_LINES", 3)
    rows = [
        row(str(n // 3), item=f"I{n % 10}", quantity=1 + n % 4, at=f"2010-12-{28 - n % 28:02} 10:00:00")
        for n in range(200)
    ]
    rows += [row(f"C{n}", item=f"I{n % 10}", quantity=-2, at=f"2010-12-{28 - n % 28:02} 11:00:00") for n in range(50)]
    summary = await shop.run(rows)
    assert (summary.rows, summary.posted, summary.rejected) == (250, 250, 0)
    assert await lowest_ever(shop) == 0
    assert await no_differences()
    assert (await shop.run(rows)).already == 250


async def test_goods_taken_by_others_in_between_are_matched_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.run([row("0", quantity=1)])
    await shop.receive("85123A", 10, datetime(2010, 12, 1, tzinfo=UTC))
    taken = False
    original = posting.Run._post

    async def interfered(run: posting.Run, desk: posting.Desk) -> None:
        nonlocal taken
        if not taken:
            taken = True
            await shop.hold(4)
        await original(run, desk)

    monkeypatch.setattr(posting.Run, "_post", interfered)
    rows = [row(str(n), quantity=5, at=f"2010-12-0{n} 10:00:00") for n in (2, 3)]
    summary = await shop.run(rows, open_missing=False)
    assert (summary.posted, summary.reasons) == (1, {"not_enough": 1})
    assert await no_differences()


async def test_a_run_that_stopped_is_gone_on_with_under_its_own_name(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "CHUNK_ROWS", 20)
    rows = [
        row(str(n), item=f"I{n % 7}", quantity=1 + n % 5, at=f"2010-12-{1 + n % 28:02} 10:00:00") for n in range(100)
    ]
    original, calls = posting.Run._book_chunk, 0

    async def dying(run: posting.Run, desk: posting.Desk, chunk: int) -> int:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConnectionError("gone")
        return await original(run, desk, chunk)

    monkeypatch.setattr(posting.Run, "_book_chunk", dying)
    with pytest.raises(ConnectionError):
        await shop.run(rows)
    stopped = await DB.row("select id, state, posted from trade_run where warehouse_id = $1", shop.warehouse_id)
    assert stopped is not None
    assert (stopped["state"], stopped["posted"]) == ("posting", 40)
    assert not await work.is_at_work(stopped["id"])
    summary = await shop.run(rows)
    assert summary.run_id == stopped["id"]
    assert (summary.rows, summary.posted, summary.already, summary.opened) == (100, 100, 0, summary.opened)
    assert await no_differences()
    whole = await make_shop(shop.folder)
    uninterrupted = await whole.run(rows)
    assert (summary.opened, summary.opened_items) == (uninterrupted.opened, uninterrupted.opened_items)
    assert await shop.state() == await whole.state()
