"""The fonts of printed documents: which one says a character, and how a run of characters is shaped in it.

Every character of ours is said by a font under `frontend/fonts/`, chosen by script and coverage; one that no font covers
is refused (`NotPrintable`), so that a document never shows a box. Runs are shaped by HarfBuzz. Each glyph keeps the words
it stands for, so that text is copied and searched as it was written, whatever the shaping made of it.
"""

import re
import threading
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from unicodedata import category, combining, normalize

import uharfbuzz
from reportlab.pdfbase import pdfdoc, pdfmetrics, ttfonts

from backend.core.errors import Conflict
from backend.core.text import N_

FONTS = Path(__file__).resolve().parent / "fonts"
_PRIVATE = 0xF0000  # codes from here on stand for glyphs that no single character of the font stands for
# Arabic ligatures are one character in the copied text as well: readers of PDF turn the letters of a longer text round.
_LIGATURES = {normalize("NFKC", chr(code)): chr(code) for code in (*range(0xFEF5, 0xFEFD), 0xFDF2)}
# ReportLab reads a font's file with one cursor: only one document at a time may be written.
writing = threading.Lock()
_VIRAMA = 9  # combining class of the signs that bind two consonants into one shape
_FEATURES = {"liga": False, "clig": False, "dlig": False}  # ligatures copy as one odd character


class NotPrintable(Conflict):
    """A character that none of our fonts has."""

    sentence = N_(
        "The character “%(character)s” (%(code)s) cannot be printed: the fonts of our documents do not have it. "
        "Write the name in another way."
    )


class Shaped(NamedTuple):
    """A shaped run in the order it is drawn: codes and positions for ReportLab, and its width in units of 1/1000 em."""

    codes: ttfonts.ShapedStr
    width: float


class Font(ttfonts.TTFont):  # type: ignore[misc]
    """One font file: what it covers, its shaper, and what each of its glyphs says."""

    def __init__(self, file: str, scale: float = 1.0) -> None:
        """Load ``fonts/<file>``; `scale` makes scripts of different design look equally large."""
        name = file.removesuffix(".ttf")
        super().__init__(name, str(FONTS / file), asciiReadable=False)
        self.covers = frozenset(code for code, glyph in self.face.charToGlyph.items() if glyph)
        self.scale = scale
        self._shaper = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(self.face._ttf_data)))
        self._says: dict[int, str] = {}
        self._private: dict[tuple[int, str], int] = {}
        self._lock = threading.Lock()
        pdfmetrics.registerFont(self)

    def shape(self, words: str, rtl: bool) -> Shaped:
        """`words`, all covered and all running the same way, as glyphs."""
        buffer = uharfbuzz.Buffer()
        buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_CHARACTERS
        buffer.flags = uharfbuzz.BufferFlags.REMOVE_DEFAULT_IGNORABLES
        buffer.add_str(words)
        buffer.direction = "rtl" if rtl else "ltr"
        buffer.language = "und"
        buffer.guess_segment_properties()
        uharfbuzz.shape(self._shaper, buffer, _FEATURES)
        starts = sorted({info.cluster for info in buffer.glyph_infos})
        ends = dict(pairwise([*starts, len(words)]))
        said: set[int] = set()
        codes, places = [], []
        scale = self.face._pdfScale
        for info, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            start = info.cluster
            stands_for = "" if start in said else words[start : ends[start]]
            code = self._code(info.codepoint, _LIGATURES.get(stands_for, stands_for))
            said.add(start)
            codes.append(chr(code))
            places.append(
                ttfonts.ShapeData(
                    start,
                    scale(at.x_advance),
                    scale(at.y_advance),
                    scale(at.x_offset),
                    scale(at.y_offset),
                    self.face.charWidths[code],
                )
            )
        return Shaped(ttfonts.ShapedStr("".join(codes), places), float(sum(place.x_advance for place in places)))

    def _code(self, glyph: int, words: str) -> int:
        """The code under which `glyph` is written where it stands for `words`."""
        if len(words) == 1 and ord(words) < 0x10000 and self.face.charToGlyph.get(ord(words)) == glyph:
            return ord(words)
        with self._lock:
            code = self._private.get((glyph, words))
            if code is None:
                code = _PRIVATE + len(self._private)
                self.face.charToGlyph[code] = glyph
                self.face.charWidths[code] = self.face._pdfScale(self._shaper.get_glyph_h_advance(glyph))
                self._says[code] = words
                self._private[glyph, words] = code
            return code

    def addObjects(self, doc: pdfdoc.PDFDocument) -> None:
        """Write the subsets used in `doc`; ReportLab's own, but for what the glyphs say."""
        state = self.state[doc]
        state.frozen = 1
        for number, subset in enumerate(state.subsets):
            internal = self.getSubsetInternalName(number, doc)[1:]
            base = b"".join((ttfonts.SUBSETN(number), b"+", self.face.name, self.face.subfontNameX)).decode("pdfdoc")
            font = pdfdoc.PDFTrueTypeFont()
            font.Name, font.BaseFont = internal, base
            font.FirstChar, font.LastChar = 0, len(subset) - 1
            font.Widths = pdfdoc.PDFArray([self.face.getCharWidth(code) for code in subset])
            stream = pdfdoc.PDFStream()
            stream.content = self._to_unicode(base, subset)
            stream.filters = [pdfdoc.PDFZCompress]
            font.ToUnicode = doc.Reference(stream, "toUnicodeCMap:" + base)
            font.FontDescriptor = self.face.addSubsetObjects(doc, base, subset)
            doc.Reference(font, internal)
            doc.idToObject["BasicFonts"].dict[internal] = font
        del self.state[doc]

    def _to_unicode(self, name: str, subset: list[int]) -> str:
        said = [(at, self._says.get(code, chr(code))) for at, code in enumerate(subset) if code]
        lines = [f"<{at:02X}> <{words.encode('utf-16-be').hex().upper()}>" for at, words in said]
        blocks = [lines[at : at + 100] for at in range(0, len(lines), 100)]
        return "\n".join(
            [
                "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
                f"/CIDSystemInfo << /Registry ({name}) /Ordering ({name}) /Supplement 0 >> def",
                f"/CMapName /{name} def /CMapType 2 def",
                "1 begincodespacerange <00> <FF> endcodespacerange",
                *("\n".join([f"{len(block)} beginbfchar", *block, "endbfchar"]) for block in blocks),
                "endcmap CMapName currentdict /CMap defineresource pop end end",
            ]
        )


# ------------------------------------------------------------------------------------------------- choosing a font

# The families of each script, best first, and how much each is enlarged to look as large as Noto Sans.
_SCALES = {"Tajawal": 1.12}
_OWN = (
    "Armenian",
    "Bengali",
    "Devanagari",
    "Georgian",
    "Hebrew",
    "Khmer",
    "Lao",
    "Myanmar",
    "Sinhala",
    "Tamil",
    "Thai",
)
_FAMILIES = {
    "latin": ("NotoSans", "NotoSansSC", "NotoSansKR", "NotoSansArabic", *(f"NotoSans{name}" for name in _OWN)),
    "arabic": ("Tajawal", "NotoSansArabic"),
    "chinese": ("NotoSansSC", "NotoSansKR"),
    "korean": ("NotoSansKR", "NotoSansSC"),
    **{name.lower(): (f"NotoSans{name}",) for name in _OWN},
}
_SCRIPTS = (
    ("arabic", re.compile("[\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefe]")),
    ("chinese", re.compile("[\u2e80-\u312f\u3190-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")),
    ("korean", re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")),
    ("armenian", re.compile("[\u0530-\u058f\ufb13-\ufb17]")),
    ("hebrew", re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]")),
    ("devanagari", re.compile("[\u0900-\u0963\u0966-\u097f]")),
    ("bengali", re.compile("[\u0980-\u09ff]")),
    ("tamil", re.compile("[\u0b80-\u0bff]")),
    ("sinhala", re.compile("[\u0d80-\u0dff]")),
    ("thai", re.compile("[\u0e01-\u0e3a\u0e40-\u0e5b]")),
    ("lao", re.compile("[\u0e80-\u0eff]")),
    ("myanmar", re.compile("[\u1000-\u109f]")),
    ("georgian", re.compile("[\u10a0-\u10ff\u1c90-\u1cbf]")),
    ("khmer", re.compile("[\u1780-\u17ff\u19e0-\u19ff]")),
)
# Punctuation that is wide beside Han characters and narrow beside letters.
_SHARED = frozenset("“”‘’…—·")


_loaded: dict[str, Font] = {}
_loading = threading.Lock()


def font(file: str) -> Font:
    """The font of a file under `frontend/fonts/`, loaded once."""
    found = _loaded.get(file)
    if found is None:
        with _loading:
            found = _loaded.get(file) or Font(file, _SCALES.get(file.split("-")[0], 1.0))
            _loaded[file] = found
    return found


@lru_cache(maxsize=8192)
def script_of(char: str) -> str:
    """The script whose fonts say `char`; digits, spaces and punctuation of every script count as Latin."""
    return next((name for name, pattern in _SCRIPTS if pattern.match(char)), "latin")


@lru_cache(maxsize=8192)
def joins(char: str) -> bool:
    """Whether `char` hangs on the one before it: a mark, or an invisible joiner."""
    return category(char) in ("Mn", "Me", "Mc") or char in "\u200c\u200d"


def stays(before: str, after: str) -> bool:
    """Whether no line may end between the two, whatever its width: within a letter with its signs."""
    return joins(after) or combining(before) == _VIRAMA


class Choice(NamedTuple):
    """The font of a run; `heavier` where bold is asked for and only the regular weight has the characters."""

    font: Font
    heavier: bool


@lru_cache(maxsize=32)
def _choices(script: str, bold: bool) -> tuple[Choice, ...]:
    found = []
    for family in _FAMILIES[script]:
        if bold and (FONTS / f"{family}-Bold.ttf").exists():
            found.append(Choice(font(f"{family}-Bold.ttf"), False))
        found.append(Choice(font(f"{family}-Regular.ttf"), bold))
    return tuple(found)


def choose(words: str, bold: bool) -> list[Choice]:
    """The font of each character of `words`. Raises `NotPrintable` for one that no font has.

    A word of a joined script stays in one font where one has all of it, and a mark in the font of its letter.
    """
    if words.isascii() and words.isprintable():
        return [_choices("latin", bold)[0]] * len(words)
    scripts = [script_of(char) for char in words]
    chosen: list[Choice] = []
    at = 0
    while at < len(words):
        end = at + 1
        script = scripts[at]
        whole = script not in ("latin", "chinese", "korean")
        while end < len(words) and (joins(words[end]) or (whole and scripts[end] == script)):
            end += 1
        if words[at] in _SHARED and "chinese" in scripts[max(at - 1, 0) : at + 2]:
            script = "chinese"
        chosen.extend(_for(words[at:end], script, bold))
        at = end
    return chosen


def _for(piece: str, script: str, bold: bool) -> list[Choice]:
    """One font for the whole piece, else the best one for each character."""
    choices = _choices(script, bold)
    needed = {ord(char) for char in piece if char not in "\u200c\u200d"}
    for choice in choices:
        if needed <= choice.font.covers:
            return [choice] * len(piece)
    found = []
    for char in piece:
        # A stray mark of another script has a font of its own.
        every = (*choices, *_choices(script_of(char), bold), *_choices("latin", bold))
        covering = (choice for choice in every if ord(char) in choice.font.covers or char in "\u200c\u200d")
        choice_of_char = next(covering, None)
        if choice_of_char is None:
            raise NotPrintable(character=char, code=f"U+{ord(char):04X}")
        found.append(choice_of_char)
    return found


@lru_cache(maxsize=32768)
def shaped(file: str, words: str, rtl: bool) -> Shaped:
    """A run in a font, by the font's file name without its ending; kept, because words come again."""
    return font(file + ".ttf").shape(words, rtl)
