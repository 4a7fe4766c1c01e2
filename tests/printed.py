"""Reading printed documents back: their words, their codes, their fonts, what they look like."""

import io
import re
import shutil
import subprocess
import tempfile
import unicodedata
from functools import lru_cache
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image

needs_poppler = pytest.mark.skipif(
    shutil.which("pdftoppm") is None, reason="pdftoppm, pdftotext and pdffonts of poppler-utils are not installed"
)


def pages(document: bytes) -> list[str]:
    """The words of every page, spaces and line ends as single spaces, compatibility forms undone."""
    return list(_read(document))


@lru_cache(maxsize=64)
def _read(document: bytes) -> tuple[str, ...]:
    return tuple(_plain(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(document)).pages)


def words(document: bytes) -> str:
    """The words of all pages."""
    return " ".join(pages(document))


def _plain(said: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", said).replace("\u200f", "").replace("\u200e", "").split())


def says(document: bytes, sentence: str) -> bool:
    """Whether the document says every word of `sentence`."""
    return not unsaid(words(document), sentence)


def unsaid(said: str, sentence: str) -> list[str]:
    """The words of `sentence` that are not in `said`, where right-to-left lines have an order of their own."""
    bare = re.sub("[\u2066-\u2069\u200e\u200f]", "", unicodedata.normalize("NFKC", sentence))
    wanted = (part.strip(".,:;()،؛؟") for part in bare.split())
    unbroken = said.replace(" ", "")
    return [word for word in wanted if word not in said and word not in unbroken]


def _poppler(document: bytes, *command: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document.pdf"
        file.write_bytes(document)
        done = subprocess.run([command[0], *command[1:], str(file), *(["-"] if command[0] == "pdftotext" else [])],
                              capture_output=True, text=True, check=True)  # fmt: skip
        assert not done.stderr, done.stderr
        return done.stdout


def text_of(document: bytes) -> str:
    """The words as pdftotext reads them."""
    return _plain(re.sub("[\u202a-\u202e]", "", _poppler(document, "pdftotext")))


def fonts(document: bytes) -> dict[str, tuple[bool, bool]]:
    """The fonts by name: whether each is embedded and knows what its glyphs say."""
    found = {}
    for line in _poppler(document, "pdffonts").splitlines()[2:]:
        name, *_, embedded, _, says_words, _, _ = line.split()
        found[name] = (embedded == "yes", says_words == "yes")
    return found


def image(document: bytes, dpi: int, page: int = 1) -> Image.Image:
    """What a page looks like, in grey."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document.pdf"
        file.write_bytes(document)
        which = ["-f", str(page), "-l", str(page), "-singlefile"]
        subprocess.run(["pdftoppm", "-r", str(dpi), "-gray", *which, str(file), str(Path(folder) / "page")], check=True)
        return Image.open(io.BytesIO((Path(folder) / "page.pgm").read_bytes()))


def codes(document: bytes, dpi: int, page: int = 1) -> dict[str, list[str]]:
    """What a scanner reads on a page, by kind of code."""
    found: dict[str, list[str]] = {}
    for each in zxingcpp.read_barcodes(image(document, dpi, page)):
        found.setdefault(each.format.name, []).append(each.text)
    return {kind: sorted(texts) for kind, texts in found.items()}
