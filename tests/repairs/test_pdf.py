"""The sheet of a work order, in every language."""

import re
from decimal import Decimal

import pytest

from backend.core import text
from frontend import render
from frontend.repairs import pdf
from frontend.repairs.pdf import QuoteLine
from tests import papers, printed


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_sheet_tells_the_repair_from_fault_to_result(language: str) -> None:
    document = papers.document("work order sheet", language)
    for words in (
        *("W7K2M9P4XQ8Z", "R7K2M9P4XQ8ZU1", "SN-880001", "WORKSHOP", papers.OWNER, papers.GRADER, "李喆"),
        *(papers.REMARK[language], papers.BEARING[language], "31 dB, 3,000 rpm"),
    ):
        assert printed.says(document, words), words
    said = printed.words(document)
    assert sorted(set(re.findall(r"PART-(\d{3})", said))) == [f"{at:03}" for at in range(1, 65)]
    with text.speaking(language):
        total = re.sub("[\u200e\u200f\u00a0]", " ", render.money(Decimal("3120.00"), "EUR")).strip()
        assert printed.says(document, total)
        for sentence in ("Fault as reported", "Diagnosis", "Quote: parts and labour", "Result", "Outcome"):
            assert printed.says(document, text.gettext(sentence)), sentence


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("language", text.LANGUAGES)
@printed.needs_poppler
def test_the_bench_scans_the_unit_from_the_sheet(language: str, dpi: int) -> None:
    assert printed.codes(papers.document("work order sheet", language), dpi) == {
        "Code128": ["R7K2M9P4XQ8ZU1"],
        "QRCode": ["https://luocang.example/repairs/W7K2M9P4XQ8Z"],
    }


def test_what_has_not_happened_yet_is_left_open() -> None:
    document = pdf.work_order_sheet(papers.work_order("en", lines=0, diagnosis="", result=None, photos=[]), "en")
    assert len(printed.pages(document)) == 1
    assert printed.says(document, "There is no quote yet.")
    assert printed.says(document, "Technician: name and signature")


def test_a_line_costs_its_quantity_times_its_price() -> None:
    line = QuoteLine(kind="labour", words="Bench", quantity=Decimal("1.5"), price=Decimal("48.00"))
    assert line.amount == Decimal("72.000")
