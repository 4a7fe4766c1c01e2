"""What a row means and what stock allows, without files and database."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import text
from backend.trade import mapping, reasons, rules
from backend.trade.mapping import Kind
from backend.trade.reasons import Why
from backend.trade.rules import FileRefused

RETAIL = mapping.load("online-retail")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONDON = rules.Dates(RETAIL, "Europe/London")


def cells(**changed: str) -> dict[str, str]:
    """A row that is taken, changed."""
    whole = {
        "InvoiceNo": "536365",
        "StockCode": "85123A",
        "Description": "WHITE HANGING HEART",
        "Quantity": "6",
        "InvoiceDate": "2010-12-01 08:26:00",
        "UnitPrice": "2.55",
    }
    return {**whole, **changed}


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, Kind.SALE),
        ({"InvoiceNo": "C536379", "Quantity": "-1"}, Kind.RETURN),
        ({"Quantity": "-10", "Description": "", "UnitPrice": "0.0"}, Kind.ADJUSTMENT),
        ({"Description": "", "UnitPrice": "0.0"}, Kind.ADJUSTMENT),
        ({"Description": "Found", "UnitPrice": "0.0"}, Kind.ADJUSTMENT),
        ({"Description": "?", "UnitPrice": "0"}, Kind.ADJUSTMENT),
        ({"Description": "ROUND CAKE TIN", "UnitPrice": "0.0"}, Kind.SALE),
        ({"StockCode": "POST"}, Kind.NOT_GOODS),
        ({"StockCode": "m"}, Kind.NOT_GOODS),
        ({"StockCode": "gift_0001_40"}, Kind.NOT_GOODS),
        ({"StockCode": "DCGS0076"}, Kind.SALE),
        ({"StockCode": "C2"}, Kind.NOT_GOODS),
    ],
)
def test_the_first_rule_that_fits_decides(changed: dict[str, str], kind: Kind) -> None:
    assert rules.kind_of(RETAIL, cells(**changed)) is kind


@given(
    st.fixed_dictionaries(
        {
            "InvoiceNo": st.sampled_from(["536365", "C536365", "c1", "A1", ""]),
            "StockCode": st.sampled_from(["85123A", "POST", "post ", "m", "C2", ""]),
            "Description": st.sampled_from(["WHITE HEART", "found", "Found", "?", "", "SET No 2"]),
            "Quantity": st.sampled_from(["6", "-6", " -6", "0", "x", ""]),
            "UnitPrice": st.sampled_from(["0", "0.0", "0.00", "0.5", "2.55", ""]),
        }
    )
)
def test_the_bits_of_the_cells_name_the_same_rule(row: dict[str, str]) -> None:
    bits = (2 << len(RETAIL.rules)) - 1
    for column in row:
        bits &= rules.fits(RETAIL, column, row[column])
    first = (bits & -bits).bit_length() - 1
    kinds = [*(rule.then for rule in RETAIL.rules), Kind.SALE]
    assert kinds[first] is rules.kind_of(RETAIL, row)


@pytest.mark.parametrize(
    ("changed", "column", "why"),
    [
        ({"StockCode": "POST", "Quantity": "x"}, "StockCode", Why.NOT_GOODS),
        ({"InvoiceNo": "  "}, "InvoiceNo", Why.REFERENCE),
        ({"StockCode": "=1+1"}, "StockCode", Why.ITEM),
        ({"StockCode": "A\x07B"}, "StockCode", Why.ITEM),
        ({"Quantity": "1.5"}, "Quantity", Why.QUANTITY),
        ({"Quantity": "1.000"}, "Quantity", Why.QUANTITY),
        ({"Quantity": "1,000"}, "Quantity", Why.QUANTITY),
        ({"Quantity": "1_0"}, "Quantity", Why.QUANTITY),
        ({"Quantity": "1e3"}, "Quantity", Why.QUANTITY),
        ({"Quantity": "0"}, "Quantity", Why.ZERO),
        ({"Quantity": "1000000001"}, "Quantity", Why.HUGE),
        ({"Quantity": "9" * 40}, "Quantity", Why.QUANTITY),
        ({"InvoiceDate": "01.12.2010"}, "InvoiceDate", Why.DATE),
        ({"InvoiceDate": "2010-02-30 10:00"}, "InvoiceDate", Why.DATE),
        ({"InvoiceDate": "2031-01-01 10:00"}, "InvoiceDate", Why.FUTURE),
        ({"InvoiceDate": "1899-12-30 00:00"}, "InvoiceDate", Why.TOO_OLD),
        ({"InvoiceNo": "C536379", "Quantity": "3"}, "Quantity", Why.SIGN),
    ],
)
def test_the_first_thing_wrong_with_a_row_is_named(changed: dict[str, str], column: str, why: Why) -> None:
    assert rules.why_not(RETAIL, cells(**changed), LONDON, NOW) == (column, why)
    facts = reasons.facts_of(why, cells(**changed)[column], RETAIL, 8)
    assert "%" not in text.say(reasons.WHY_SENTENCES[why], facts), "people read examples, not patterns"


def test_a_wrong_date_is_told_with_examples_of_right_ones() -> None:
    facts = reasons.facts_of(Why.DATE, "01.12.2010", RETAIL, 8)
    said = text.say(reasons.WHY_SENTENCES[Why.DATE], facts)
    assert "“01.12.2010”" in said
    assert "e.g. 2026-11-25 14:30:00 and 2026-11-25 14:30." in said


@pytest.mark.parametrize("why", list(Why))
def test_every_reason_has_a_name_and_a_sentence(why: Why) -> None:
    assert reasons.WHY_NAMES[why]
    assert text.say(reasons.WHY_SENTENCES[why], reasons.facts_of(why, "x", RETAIL, 8))


@pytest.mark.parametrize(("cell", "pieces"), [("6", 6), (" -12 ", -12), ("+4", 4), ("6.0", 6), ("-6.00", -6), ("0", 0)])
def test_pieces_are_whole(cell: str, pieces: int) -> None:
    assert rules.pieces_of(cell) == pieces


def test_dates_are_local_to_the_zone() -> None:
    winter = datetime(2010, 12, 1, 8, 26, tzinfo=UTC).timestamp()
    summer = datetime(2010, 7, 1, 7, 26, tzinfo=UTC).timestamp()
    assert LONDON.read("2010-12-01 08:26:00") == winter
    assert LONDON.read("2010-07-01 08:26") == summer
    assert rules.Dates(RETAIL, "Asia/Shanghai").read("2010-12-01 16:26") == winter


def test_two_spellings_are_one_code() -> None:
    assert rules.item_of(" 85123a ") == rules.item_of("85123A") == "85123A"


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(["=1", "-1", "'x", "@a", "+", ""])
)
def test_a_neutral_cell_is_no_formula_and_comes_back_as_it_was(cell: str) -> None:
    written = rules.neutral(cell)
    assert rules.restored(written) == cell
    if written[:1] in ("=", "+", "-", "@", "\t", "\r"):
        assert written[1:].replace(".", "").replace(",", "").isdigit()


@given(
    st.integers(0, 30),
    st.lists(st.integers(-20, 20).filter(bool), max_size=30),
)
def test_rows_are_left_out_only_when_they_find_too_little(free: int, changes: list[int]) -> None:
    judge = rules.NotEnough()
    stock = free
    for change in changes:
        out = judge.leaves_out(7, free, change)
        assert out == (stock + change < 0)
        stock += 0 if out else change
    assert stock >= 0


def test_another_item_begins_anew() -> None:
    judge = rules.NotEnough()
    assert [judge.leaves_out(*row) for row in ((1, 5, -5), (1, 5, -1), (2, 5, -5))] == [False, True, False]


@pytest.mark.parametrize(
    ("header", "field"),
    [
        (["InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice"], "delimiter"),
        (["InvoiceNo\tStockCode"], "delimiter"),
        (["InvoiceNo", "Description", "Quantity", "InvoiceDate", "UnitPrice"], "StockCode"),
        (["InvoiceNo", "StockCode", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice"], "StockCode"),
    ],
)
def test_a_heading_that_does_not_fit_is_refused(header: Sequence[str], field: str) -> None:
    with pytest.raises(FileRefused) as refused:
        rules.positions(RETAIL, header)
    assert [fault.field for fault in refused.value.faults] == [field]
    assert all(fault.sentence % fault.facts for fault in refused.value.faults)


def test_a_heading_may_be_in_any_order_and_case() -> None:
    header = [" quantity", "INVOICENO", "Extra", "StockCode", "UnitPrice", "Description", "InvoiceDate "]
    assert rules.positions(RETAIL, header)["InvoiceNo"] == 1
