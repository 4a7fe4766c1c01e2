"""The paper itself: heads and feet, page breaks, pictures, and what holds for every document in every language."""

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pypdf
import pytest
from PIL import Image

from backend.core import text
from frontend import pdf
from frontend.pdf import Document
from frontend.photographs import Photograph, listed, shrunk
from frontend.table import Cell, Column
from frontend.typeset import NotPrintable
from frontend.value_added import pdf as value_added_pdf
from tests import papers, printed

EVERY = [(name, language) for name in papers.DOCUMENTS for language in text.LANGUAGES]


@pytest.fixture
def paper() -> Iterator[Document]:
    with pdf.document("Inventory statement", "en", number="S1", organisation="Sternhafen", foot="abc") as document:
        yield document


# every document


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_every_page_says_which_one_it_is_and_what_it_belongs_to(name: str, language: str) -> None:
    pages = printed.pages(papers.document(name, language))
    assert len(pages) > 1
    number = re.search(r"\b[RHDSW]7K2M9P4XQ8Z\b", pages[0])
    assert number
    for page in pages:
        assert number[0] in page
        assert re.search("SHA-256 [0-9a-f]{64}", page) or re.search("[0-9a-f]{64}", page)
    with text.speaking(language):
        for at, page in enumerate(pages, start=1):
            said = text.gettext("Page %(page)s of %(pages)s", page=at, pages=len(pages))
            assert not printed.unsaid(page, said)


@pytest.mark.parametrize(("name", "language"), EVERY)
@printed.needs_poppler
def test_every_font_is_embedded_and_every_glyph_says_its_words(name: str, language: str) -> None:
    found = printed.fonts(papers.document(name, language))
    assert all(embedded and says for embedded, says in found.values())
    families = {font.split("+")[1].split("-")[0] for font in found}
    assert {"NotoSans", "NotoSansSC"} <= families
    assert ("Tajawal" in families) is (language == "ar")


@pytest.mark.parametrize(("name", "language"), EVERY)
@printed.needs_poppler
def test_a_scanner_opens_the_address_at_the_head(name: str, language: str) -> None:
    for dpi in (203, 300):
        (address,) = printed.codes(papers.document(name, language), dpi)["QRCode"]
        assert address.startswith("https://luocang.example/")


@pytest.mark.parametrize(("name", "language"), EVERY)
@printed.needs_poppler
def test_nothing_is_printed_into_the_margins(name: str, language: str) -> None:
    document = papers.document(name, language)
    for page in range(1, len(printed.pages(document)) + 1):
        image = printed.image(document, 50, page)
        box = image.point(lambda value: 255 if value < 200 else 0).getbbox()
        assert box is not None
        margin = 25  # 12.7 mm
        assert box[0] > margin
        assert box[2] < image.width - margin
        assert box[3] < image.height - margin / 2


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_the_same_content_gives_the_same_bytes(name: str, language: str) -> None:
    assert papers.DOCUMENTS[name](language) == papers.document(name, language)


def test_documents_made_at_the_same_time_do_not_mix() -> None:
    wanted = {each: papers.document(*each) for each in EVERY}
    with ThreadPoolExecutor(8) as threads:
        made = dict(zip(EVERY, threads.map(lambda each: papers.DOCUMENTS[each[0]](each[1]), EVERY), strict=True))
    assert made == wanted


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_document_knows_its_title_language_and_direction(language: str) -> None:
    file = pypdf.PdfReader(io.BytesIO(papers.document("evidence pack", language)))
    with text.speaking(language):
        assert file.metadata is not None
        assert file.metadata.title == text.gettext("Evidence pack of a return")
    assert file.trailer["/Root"]["/Lang"] == text.tag(language)
    preferences = file.trailer["/Root"]["/ViewerPreferences"]
    assert preferences.get("/Direction") == ("/R2L" if language == "ar" else None)


# pages


def test_titles_of_a_table_come_again_on_every_page(paper: Document) -> None:
    paper.table([Column("Item"), Column("Pieces", "number")], [[f"ITEM-{at:03}", str(at)] for at in range(200)])
    pages = printed.pages(paper.pdf())
    assert len(pages) > 3
    assert all("Item Pieces" in page for page in pages)
    assert re.findall(r"ITEM-(\d{3})", " ".join(pages)) == [f"{at:03}" for at in range(200)]


def test_a_row_longer_than_a_page_goes_on_over_it(paper: Document) -> None:
    paper.table(
        [Column("Item"), Column("Units")],
        [["A", "\n".join(f"UNIT-{at:03}" for at in range(150))], [Cell("B", "below"), "UNIT-150"]],
    )
    pages = printed.pages(paper.pdf())
    assert len(pages) > 2
    assert re.findall(r"UNIT-(\d{3})", " ".join(pages)) == [f"{at:03}" for at in range(151)]


def test_facts_notes_and_boxes_longer_than_a_page_go_on_over_it(paper: Document) -> None:
    long = " ".join(f"word{at:04}" for at in range(900))
    paper.facts([("Reason", long), ("Reference", "R-1")])
    paper.note(long)
    paper.boxes([("Owner", [long, "second line"])])
    found = re.findall(r"word(\d{4})", " ".join(printed.pages(paper.pdf())))
    assert found == [f"{at:04}" for at in range(900)] * 3


def test_a_heading_stays_with_what_follows_it(paper: Document) -> None:
    for at in range(40):
        paper.heading(f"Heading{at:02}")
        paper.table([Column("Item")], [["first row"], ["second row"]])
    for page in printed.pages(paper.pdf()):
        after = re.split(r"Heading\d\d", page)
        assert all("first row" in part for part in after[1:])


def test_a_table_without_rows_says_so(paper: Document) -> None:
    paper.table([Column("Item")], [], empty="Nothing here.")
    assert "Nothing here." in printed.words(paper.pdf())


def test_numbers_of_a_column_end_at_the_same_place_in_both_directions() -> None:
    for language in ("en", "ar"):
        with pdf.document("Inventory statement", language) as document:
            document.table([Column("Item"), Column("Pieces", "number")], [["A", "7"], ["B", "1234567"]])
            places: list[tuple[str, float, float]] = []

            def visit(said: str, _cm: object, tm: list[float], _font: object, size: float, found=places) -> None:  # type: ignore[no-untyped-def]
                if said.strip().isdigit():
                    found.append((said.strip(), tm[4], size))

            pypdf.PdfReader(io.BytesIO(document.pdf())).pages[0].extract_text(visitor_text=visit)
        ends = [x + len(said) * size * 0.572 for said, x, size in places if said in ("7", "1234567")]
        assert len(ends) == 2
        assert ends[0] == pytest.approx(ends[1], abs=0.6)


# pictures


def stored(content: bytes, **other: object) -> Photograph:
    return papers.photo(1, content=content, sha256=papers.sha256(content).hexdigest(), size=len(content), **other)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_a_picture_taken_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = shrunk(encoded(Image.new("RGB", (800, 600), "red"), "JPEG", exif=exif), 100, 100)
    assert made is not None
    assert made.height > made.width


def test_a_picture_with_holes_lies_on_white() -> None:
    made = shrunk(encoded(Image.new("RGBA", (10, 10), (255, 0, 0, 0)), "PNG"), 100, 100)
    assert made is not None
    assert made.getpixel((5, 5)) == (255, 255, 255)


def test_pictures_are_no_finer_than_paper_needs() -> None:
    made = shrunk(papers.jpeg(1, 4000, 3000), 144, 144)
    assert made is not None
    assert made.size == (400, 300)


@pytest.mark.parametrize("content", [b"", b"no picture", papers.jpeg(1)[:900], b"%PDF-1.4"])
def test_what_is_no_picture_is_said_to_be_none(paper: Document, content: bytes) -> None:
    paper.photographs([stored(content)], "UTC")
    document = paper.pdf()
    assert "This file cannot be shown on paper." in printed.words(document)
    assert not list(pypdf.PdfReader(io.BytesIO(document)).pages[0].images)


def test_a_file_that_changed_is_not_shown(paper: Document) -> None:
    paper.photographs([papers.photo(1, content=papers.jpeg(2))], "UTC")
    document = paper.pdf()
    assert "does not have this SHA-256 any more" in printed.words(document)
    assert not list(pypdf.PdfReader(io.BytesIO(document)).pages[0].images)


def test_a_picture_stands_over_its_hash(paper: Document) -> None:
    photo = papers.photo(7)
    paper.photographs([photo], "Europe/Berlin")
    document = paper.pdf()
    assert photo.sha256 in printed.words(document).replace(" ", "")
    assert "UTC+1" in printed.words(document)
    (image,) = pypdf.PdfReader(io.BytesIO(document)).pages[0].images
    assert image.image.getpixel((3, 3))[2] in range(80, 100)


def test_a_file_is_listed_once() -> None:
    assert [file.name for file in listed([papers.photo(1), papers.photo(2), papers.photo(1)])] == [
        "IMG_0001.jpg",
        "IMG_0002.jpg",
    ]


# answers


async def test_a_paper_is_answered_as_a_pdf_in_the_language_asked_for() -> None:
    answered = await pdf.answer("statement S1", value_added_pdf.inventory_statement, papers.inventory("ar", 3), "ar")
    assert answered.media_type == "application/pdf"
    assert answered.headers["Content-Disposition"] == "inline; filename*=UTF-8''statement%20S1.pdf"
    assert answered.content == value_added_pdf.inventory_statement(papers.inventory("ar", 3), "ar")


async def test_what_cannot_be_printed_is_refused_and_not_answered() -> None:
    with pytest.raises(NotPrintable):
        await pdf.answer("S1", value_added_pdf.inventory_statement, papers.inventory("en", 3, owner="🐼"), "en")


# formats


def test_instants_are_told_in_utc_and_on_the_warehouse_clock() -> None:
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    with text.speaking("en"):
        assert pdf.in_both_zones(noon, "Asia/Almaty").count("\n") == 1
        assert "UTC+5" in pdf.in_both_zones(noon, "Asia/Almaty")
        assert "\n" not in pdf.in_both_zones(noon, "UTC")
        assert pdf.in_both_zones(None, "UTC") == ""
    assert pdf.day_of(noon + timedelta(hours=9), "Asia/Almaty").day == 21


def test_facts_of_a_sentence_are_told_as_the_language_tells_them() -> None:
    facts = {"n": 1234, "on": papers.NOON.date(), "at": papers.NOON, "code": "R-1", "state": text.Word("Good")}
    with text.speaking("zh_CN"):
        said = pdf.spoken("%(n)s %(on)s %(at)s %(code)s %(state)s", facts, "Asia/Almaty")
    assert printed.unsaid("1,234 2026年11月20日 17:00 UTC+5 R-1 良品", said) == []


def test_the_fingerprint_changes_with_anything_that_is_said() -> None:
    first = pdf.fingerprint(papers.inventory("en", lines=2))
    assert first == pdf.fingerprint(papers.inventory("en", lines=2))
    assert first != pdf.fingerprint(papers.inventory("en", lines=2, as_at=papers.NOON + timedelta(seconds=1)))
    assert re.fullmatch("[0-9a-f]{64}", first)
