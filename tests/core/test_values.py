"""Codes, quantities, measures and check digits as people type them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import values
from backend.core.errors import Fault


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("85123a", "85123A"),
        ("  a-1 ", "A-1"),
        ("Ａ１", "A1"),
        ("a  b", "A B"),
        ("ß", "SS"),
        ("\u200f\ufeffab\u200e1\u202c", "AB1"),
    ],
)
def test_a_code_has_one_spelling(typed: str, code: str) -> None:
    assert values.code_of(typed) == code


def test_a_code_with_a_sign_that_no_database_holds_is_no_code() -> None:
    faults: list[Fault] = []
    for code in (
        values.code_of("a\0b"),
        values.place_code("x", "a\0b", faults),
        values.goods_code("x", "a\0b", faults),
    ):
        assert "\0" not in code
    assert [fault.value for fault in faults] == ["a\0b", "a\0b"]


@given(st.text(max_size=40))
def test_spelling_a_code_twice_changes_nothing(typed: str) -> None:
    assert values.code_of(values.code_of(typed)) == values.code_of(typed)


@pytest.mark.parametrize("typed", ["", "=1+1", "+x", "-x", "@x", "'x", '"x', "x" * 65, "a\x00b"])
def test_what_is_no_goods_code_is_a_fault(typed: str) -> None:
    faults: list[Fault] = []
    values.goods_code("code", typed, faults)
    assert [fault.field for fault in faults] == ["code"]


@pytest.mark.parametrize("text", ["a\0b", "\x1b[31m", "\x7f", "x" * 11])
def test_what_is_no_text_is_a_fault(text: str) -> None:
    assert [fault.field for fault in values.text_faults("note", text, 10)] == ["note"]


@pytest.mark.parametrize("text", ["", "a\r\n\tb", "第一行", "\u200fمرحبا", "x" * 10])
def test_texts(text: str) -> None:
    assert values.text_faults("note", text, 10) == []


@pytest.mark.parametrize(
    ("typed", "pieces"), [("12", 12), (" 1 250 ", 1250), ("١٢", 12), ("１２", 12), ("1000000000", 10**9)]
)
def test_quantities_in_our_scripts(typed: str, pieces: int) -> None:
    faults: list[Fault] = []
    assert values.quantity("quantity", typed, faults) == pieces
    assert faults == []


@pytest.mark.parametrize("typed", ["", "0", "-1", "1.5", "1,250", "1e3", "x", "1000000001", "9" * 400, "½"])
def test_what_is_no_quantity_is_a_fault(typed: str) -> None:
    faults: list[Fault] = []
    assert values.quantity("quantity", typed, faults) == 0
    assert len(faults) == 1


@pytest.mark.parametrize(("typed", "number"), [("12.5", Decimal("12.5")), ("", None), ("٣.٥", Decimal("3.5"))])
def test_measures(typed: str, number: Decimal | None) -> None:
    faults: list[Fault] = []
    assert values.measure("weight_kg", typed, faults) == number
    assert faults == []


@pytest.mark.parametrize("typed", ["12,5", "NaN", "inf", "-1", "1e99", "x"])
def test_what_is_no_measure_is_a_fault(typed: str) -> None:
    faults: list[Fault] = []
    assert values.measure("weight_kg", typed, faults) is None
    assert len(faults) == 1


@pytest.mark.parametrize("code", ["96385074", "036000291452", "4006381333931", "10012345678902"])
def test_right_check_digits(code: str) -> None:
    assert values.gtin_is_valid(code)


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(1, 9))
def test_exactly_one_check_digit_is_right(body: str, other: int) -> None:
    right = [digit for digit in range(10) if values.gtin_is_valid(f"{body}{digit}")]
    assert len(right) == 1
    assert not values.gtin_is_valid(f"{body}{(right[0] + other) % 10}")


@pytest.mark.parametrize("code", ["4006381333930", "40063813339", "", "400638133393١", "abcdefgh"])
def test_wrong_codes_are_no_gtins(code: str) -> None:
    assert not values.gtin_is_valid(code)
