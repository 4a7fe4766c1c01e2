"""The inventory statement for finance, in every language."""

import re

import pytest

from backend.core import text
from frontend import pdf as paper
from frontend import render
from frontend.value_added import pdf
from tests import papers, printed


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_statement_says_what_lies_where_for_whom_and_when(language: str) -> None:
    document = papers.document("inventory statement", language)
    for words in (
        *("S7K2M9P4XQ8Z", papers.OWNER, "LYBEAR", "KZ-ALA-01", "проспект Райымбека 348", "PLEDGE-2026-77", "洛阳银行"),
        *(papers.REMARK[language], papers.BEARING[language], "UTC+5"),
    ):
        assert printed.says(document, words), words
    said = printed.words(document)
    assert sorted(set(re.findall(r"6204-2RS/(\d{3})", said))) == [f"{at:03}" for at in range(1, 65)]
    with text.speaking(language):
        for total in (2_080_000, 8_480, 2_080):
            assert render.number(total) in said
        assert printed.says(document, text.gettext("Goods on hand"))


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_every_page_carries_the_hash_of_what_it_says(language: str) -> None:
    pages = printed.pages(papers.document("inventory statement", language))
    digest = paper.fingerprint(papers.inventory(language))
    assert len(pages) > 2
    assert all(digest in page for page in pages)


def test_an_empty_warehouse_is_stated_too() -> None:
    document = pdf.inventory_statement(papers.inventory("en", lines=0), "en")
    assert printed.says(document, "No goods were on hand.")
