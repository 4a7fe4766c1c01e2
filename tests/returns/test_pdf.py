"""The papers of returns in every language: words, codes, pages."""

import io
import re
from datetime import date
from typing import Any

import msgspec
import pypdf
import pytest

from backend.core import text
from frontend import barcodes, render
from frontend import pdf as paper
from frontend.returns import pdf
from frontend.returns.pdf import LabelItem, ReturnLabel, UnitLabel
from frontend.typeset import NotPrintable
from tests import papers, printed

URL = "https://luocang.example/returns/R7K2M9P4XQ8Z"


def a_label(language: str, lines: int = 2, **other: Any) -> ReturnLabel:
    return msgspec.structs.replace(
        ReturnLabel(
            number="R7K2M9P4XQ8Z",
            url=URL,
            warehouse="Sternhafen Hamburg",
            warehouse_code="DE-HAM-01",
            address=["Sternhafen Logistik GmbH", "Am Sandtorkai 27, Halle 4", "20457 Hamburg", "Germany"],
            owner=papers.OWNER,
            items=[
                LabelItem(code=f"6204-2RS/{at:03}", name=papers.BEARING[language], quantity=at)
                for at in range(1, lines + 1)
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
        *("R7K2M9P4XQ8Z", "DE-HAM-01", "Sternhafen Logistik GmbH", "20457 Hamburg", papers.OWNER, "ORDER-2026-118822"),
        *("6204-2RS/001", "6204-2RS/002", papers.BEARING[language], "Nguyễn Thị Ánh Tuyết", "Улица Мира"),
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
            item_name=papers.BEARING[language],
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


# evidence pack


def spoken(document: bytes, language: str, *sentences: str) -> None:
    """Every sentence is on the paper, in the language of the paper."""
    with text.speaking(language):
        for sentence in sentences:
            assert printed.says(document, text.gettext(sentence)), sentence


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_an_evidence_pack_tells_everything_of_a_return(language: str) -> None:
    document = papers.document("evidence pack", language)
    for words in (
        *("R7K2M9P4XQ8Z", "ORDER-2026-118822", "KZ-ALA-01", "Алматы Хаб", papers.OWNER, *papers.SENDER),
        *("R7K2M9P4XQ8ZU1", "R7K2M9P4XQ8ZU3", "SN-880002", "L2026-07", papers.GRADER, "Luocang 2026-1", "UTC+5"),
        *(papers.BEARING[language], papers.REMARK[language]),
    ):
        assert printed.says(document, words), words
    spoken(document, language, "Buyer return", "To be decided", "What happened", "Send home to China", "Graded by")
    found = re.findall(rf"{papers.GRADER} (\d{{3}})", printed.words(document))
    assert sorted(found) == [f"{at:03}" for at in range(64)]


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_every_photo_of_a_pack_is_shown_with_its_hash_and_listed_again(language: str) -> None:
    document = papers.document("evidence pack", language)
    said = printed.words(document).replace(" ", "")
    photos = [photo for unit in papers.evidence(language).units for photo in unit.photos]
    assert len(photos) == 12
    for photo in photos:
        assert said.count(photo.sha256) == 2
    shown = [image for page in pypdf.PdfReader(io.BytesIO(document)).pages for image in page.images]
    assert len(shown) == len(photos)


def test_the_pack_says_what_the_hashes_prove_and_what_not() -> None:
    document = papers.document("evidence pack", "en")
    assert printed.says(document, "The hashes do not prove what a picture shows or when it was taken.")
    assert fingerprint_of(papers.evidence("en")) in printed.words(document)


def fingerprint_of(content: pdf.EvidencePack) -> str:
    """The fingerprint that stands at the foot: that of the content without its pictures."""
    bare = [
        msgspec.structs.replace(unit, photos=[msgspec.structs.replace(photo, content=None) for photo in unit.photos])
        for unit in content.units
    ]
    return paper.fingerprint(msgspec.structs.replace(content, units=bare))


def test_a_pack_of_a_return_that_was_only_booked_has_nothing_to_hide() -> None:
    document = pdf.evidence_pack(papers.evidence("en", units=0, events=0, stage="On its way"), "en")
    assert printed.says(document, "Nothing has happened yet.")
    assert printed.says(document, "No files are attached.")


def test_an_emoji_in_a_remark_does_not_keep_the_pack_from_being_made() -> None:
    document = pdf.evidence_pack(papers.evidence("en", reason="broken 😢"), "en")
    assert printed.says(document, "broken [U+1F622]")


# send-home pack


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_send_home_pack_goes_by_declaration_line_with_its_five_clocks(language: str) -> None:
    document = papers.document("send-home pack", language)
    for words in ("H7K2M9P4XQ8Z", "460420260001234567", "9810", papers.OWNER, "LYBEAR", "COSU6299884410", "洛阳海关"):
        assert printed.says(document, words), words
    said = printed.words(document)
    assert said.count("460420260001234567") == 3
    assert len(set(re.findall(r"6204-2RS/(\d-\d{3})", said))) == 66
    for name, _, _, _, _, rule in papers.CLOCKS:
        assert said.count(rule) >= 3
        spoken(document, language, name)
    with text.speaking(language):
        assert printed.says(document, render.number(759))  # the pieces of all lines


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_send_home_pack_names_the_certificate_and_has_the_statement_to_sign(language: str) -> None:
    document = papers.document("send-home pack", language)
    assert printed.says(document, "《出口货物已补税/未退税证明》")
    assert printed.says(document, papers.REMARK[language])
    spoken(
        document,
        language,
        "The goods listed above were exported under the declarations named and have not been sold abroad.",
        "Owner of the goods: name and seal",
        "Person in charge: signature",
    )
    assert printed.says(document, "自我声明") or language == "zh_CN"


def test_returned_goods_have_the_statement_of_the_reason_instead() -> None:
    document = pdf.send_home_pack(papers.going_home("en", is_unsold=False, cause="Buyer return"), "en")
    assert printed.says(document, "原因说明")
    assert not printed.says(document, "自我声明")
    assert printed.says(document, "were returned by buyers abroad")


def test_without_a_refund_there_is_no_certificate_to_bring() -> None:
    document = pdf.send_home_pack(papers.going_home("en", certificate_needed=False), "en")
    assert not printed.says(document, "《出口货物已补税/未退税证明》")


def test_goods_of_an_unknown_declaration_say_so() -> None:
    line = msgspec.structs.replace(papers.home_line("en", 1, 1), declaration_no="", declaration_line=None)
    document = pdf.send_home_pack(msgspec.structs.replace(papers.going_home("en"), lines=[line]), "en")
    assert printed.says(document, "Goods without a known export declaration")


# destruction


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_destruction_record_lists_what_is_gone_before_whom(language: str) -> None:
    document = papers.document("destruction record", language)
    for words in ("D7K2M9P4XQ8Z", "Владимир Ёлкин", "Recyclinghof Billbrook", papers.REMARK[language], papers.GRADER):
        assert printed.says(document, words), words
    assert len(set(re.findall(r"6204-2RS/(\d{3})", printed.words(document)))) == 64
    spoken(document, language, "Witness", "Destroyed at", "Files and their hashes")
    for number in range(4):
        assert papers.photo(number).sha256 in printed.words(document).replace(" ", "")


def test_a_donation_says_who_received_it() -> None:
    document = pdf.destruction_record(papers.destruction("en", goods=2, donated=True), "en")
    assert printed.says(document, "Record of a donation")
    assert printed.says(document, "Received by")
    assert not printed.says(document, "Witness")
