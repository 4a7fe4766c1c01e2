"""The papers of returns in every language: words, codes, pages."""

import re
from datetime import date
from typing import Any

import msgspec
import pytest

from backend.core import text
from frontend import barcodes
from frontend import pdf as paper
from frontend.returns import pdf
from frontend.returns.pdf import LabelItem, ReturnLabel, UnitLabel
from frontend.typeset import NotPrintable
from tests import printed

BEARING = {
    "en": "Deep groove ball bearing 6204-2RS, sealed on both sides, for motorcycles and machine tools of every kind",
    "zh_CN": "深沟球轴承 6204-2RS 双面密封，适用于各类摩托车及机床设备的高精度低噪音长寿命免维护型号",
    "ar": "محمل كريات عميق الأخدود 6204-2RS مختوم من الجانبين للدراجات النارية وآلات التشغيل بجميع أنواعها",
}
OWNER = "洛阳轴承科技股份有限公司 (Luoyang Bearing Science & Technology Co., Ltd.)"
URL = "https://luocang.example/returns/R7K2M9P4XQ8Z"


def a_label(language: str, lines: int = 2, **other: Any) -> ReturnLabel:
    return msgspec.structs.replace(
        ReturnLabel(
            number="R7K2M9P4XQ8Z",
            url=URL,
            warehouse="Sternhafen Hamburg",
            warehouse_code="DE-HAM-01",
            address=["Sternhafen Logistik GmbH", "Am Sandtorkai 27, Halle 4", "20457 Hamburg", "Germany"],
            owner=OWNER,
            items=[
                LabelItem(code=f"6204-2RS/{at:03}", name=BEARING[language], quantity=at) for at in range(1, lines + 1)
            ],
            expected_on=date(2026, 12, 3),
            reference="ORDER-2026-118822",
            sender=["Nguyễn Thị Ánh Tuyết", "Улица Мира 5", "10115 Berlin"],
        ),
        **other,
    )


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_return_label_says_where_the_parcel_goes_and_what_is_in_it(language: str) -> None:
    label = pdf.return_label(a_label(language), language)
    for words in (
        *("R7K2M9P4XQ8Z", "DE-HAM-01", "Sternhafen Logistik GmbH", "20457 Hamburg", OWNER, "ORDER-2026-118822"),
        *("6204-2RS/001", "6204-2RS/002", BEARING[language], "Nguyễn Thị Ánh Tuyết", "Улица Мира"),
    ):
        assert printed.says(label, words), words
    with text.speaking(language):
        for sentence in ("Return to", "Goods of", "Expected on", "Goods", "Pieces"):
            assert printed.says(label, text.gettext(sentence)), sentence


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("language", text.LANGUAGES)
@printed.needs_poppler
def test_scanners_read_both_codes_of_a_return_label(language: str, dpi: int) -> None:
    label = pdf.return_label(a_label(language), language)
    assert printed.codes(label, dpi) == {"Code128": ["R7K2M9P4XQ8Z"], "QRCode": [URL]}


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_each_parcel_has_its_label_and_a_long_list_of_goods_follows(language: str) -> None:
    label = pdf.return_label(a_label(language, lines=64, parcels=3), language)
    pages = printed.pages(label)
    assert len(pages) > 4
    assert all("R7K2M9P4XQ8Z" in page for page in pages)
    assert not any("6204-2RS/001" in page for page in pages[:3])
    found = re.findall(r"6204-2RS/(\d{3})", " ".join(pages[3:]))
    assert sorted(found) == [f"{at:03}" for at in range(1, 65)]


@printed.needs_poppler
@pytest.mark.parametrize("language", text.LANGUAGES)
def test_every_font_of_the_label_is_embedded(language: str) -> None:
    found = printed.fonts(pdf.return_label(a_label(language), language))
    assert all(embedded and says for embedded, says in found.values())
    assert {"AAAAAA+NotoSans-Bold", "AAAAAA+NotoSansSC-Bold"} <= set(found)


def test_the_same_label_has_the_same_bytes_in_each_language_its_own() -> None:
    labels = {language: pdf.return_label(a_label("en"), language) for language in text.LANGUAGES}
    assert labels == {language: pdf.return_label(a_label("en"), language) for language in text.LANGUAGES}
    assert len(set(labels.values())) == len(text.LANGUAGES)


def test_a_name_that_cannot_be_printed_is_refused() -> None:
    with pytest.raises(NotPrintable, match="U\\+1F43C"):
        pdf.return_label(a_label("en", owner="Panda 🐼 Ltd."), "en")


def test_a_label_of_another_size_holds_the_same() -> None:
    label = pdf.return_label(a_label("ar"), "ar", paper.LABEL_A6)
    assert printed.says(label, "6204-2RS/002")


# unit labels


def units(count: int, language: str) -> list[UnitLabel]:
    return [
        UnitLabel(
            code=f"R7K2M9P4XQ8ZU{at}",
            url=f"https://luocang.example/returns/units/R7K2M9P4XQ8ZU{at}",
            item_code="6204-2RS",
            item_name=BEARING[language],
            line="B · DOCK",
        )
        for at in range(1, count + 1)
    ]


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("language", text.LANGUAGES)
@printed.needs_poppler
def test_scanners_read_the_codes_of_a_unit(language: str, dpi: int) -> None:
    label = pdf.unit_labels(units(2, language), language)
    assert len(printed.pages(label)) == 2
    assert printed.codes(label, dpi, page=2) == {
        "Code128": ["R7K2M9P4XQ8ZU2"],
        "QRCode": ["https://luocang.example/returns/units/R7K2M9P4XQ8ZU2"],
    }


@pytest.mark.parametrize("language", text.LANGUAGES)
@printed.needs_poppler
def test_a_sheet_holds_twenty_one_units(language: str) -> None:
    sheet = pdf.unit_labels(units(64, language), language, sheet=True)
    assert len(printed.pages(sheet)) == 4
    read = printed.codes(sheet, 300)
    assert read["Code128"] == sorted(f"R7K2M9P4XQ8ZU{at}" for at in range(1, 22))
    assert len(read["QRCode"]) == 21
    assert "R7K2M9P4XQ8ZU64" in printed.pages(sheet)[3]


# codes


def test_bars_are_left_out_where_they_cannot_be_read() -> None:
    """Too long for the label, or a code that Code 128 has no characters for; the QR says the same."""
    assert barcodes.bars("R7K2M9P4XQ8Z", 260, 30) is not None
    assert barcodes.bars("X" * 40, 260, 30) is None
    assert barcodes.bars("轴承-1", 260, 30) is None
    label = pdf.unit_labels([msgspec.structs.replace(units(1, "en")[0], code="轴承-1")], "en")
    assert printed.says(label, "轴承-1")


def test_modules_are_whole_dots_of_a_label_printer() -> None:
    bars = barcodes.bars("R7K2M9P4XQ8Z", 260, 30)
    assert bars is not None
    assert bars.barWidth == pytest.approx(3 * 72 / 203)


def test_an_address_too_long_for_its_square_is_refused() -> None:
    for length in (1500, 4000):
        with pytest.raises(barcodes.TooMuchForCode):
            pdf.return_label(a_label("en", url="https://luocang.example/" + "x" * length), "en")
