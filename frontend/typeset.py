"""The text layer of printed documents: words in any of our scripts become lines, and lines become ink.

A paragraph is cut where its scripts allow, filled greedily by shaped width, ordered by UAX 9 and drawn run by run. The
direction of the page is that of its language; a value of another direction goes in as an isolate (`isolated`, `ltr`).
A character that no font has is refused (`NotPrintable`) when the paragraph is made, before anything is drawn.
Measures are points, from the left and from the bottom as ReportLab has them.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple
from unicodedata import category, normalize

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from backend.core import text
from backend.core.text import isolated
from frontend import direction, typeface
from frontend.direction import ltr
from frontend.typeface import Choice, NotPrintable, Shaped

__all__ = [
    "ACCENT",
    "INK",
    "PALE",
    "Align",
    "Line",
    "NotPrintable",
    "Paragraph",
    "Style",
    "is_rtl",
    "isolated",
    "ltr",
    "printable",
]

Align = Literal["start", "end", "centre", "left", "right"]
INK, PALE, ACCENT = "#17211c", "#55615a", "#0a5c55"
# Line heights by language, in sizes; where the first baseline lies within a line of height 1.
_LEADING = {"zh": 1.5, "en": 1.4, "ar": 1.55}
_BASELINE = 0.36
_BOLDER = 0.028  # stroke, in sizes, where the bold weight lacks a character

_NO_START = frozenset("、。，．・：；！？）］｝〉》」』】〕〗〙〟’”…—ー々〻ぁぃぅぇぉっゃゅょ％‰℃°·,.:;!?)]}»›%،؛؟")
_NO_END = frozenset("（［｛〈《「『【〔〖〘〝‘“([{«‹$¥￥€£№#")
_SOFT = frozenset("-/._:?&=@+,;|\\")
_DROPPED = re.compile("[\u00ad\u202a-\u202e\ufeff\ufff9-\ufffb\u2028\u2029\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f]")
# A code among letters that run from right to left: it would be turned round at its signs.
_CODE = re.compile(r"(?<![A-Za-z0-9])(?=\S*[A-Za-z])(?=\S*[0-9])[A-Za-z0-9]+(?:[-/._:+#][A-Za-z0-9]+)+")
# A name in brackets among them: the full stop at its end would jump to its other side.
_BRACKETED = re.compile(r"\(([^()\u0590-\u08ff\u2066-\u2069]*[A-Za-z][^()\u0590-\u08ff\u2066-\u2069]*)\)")
_INVISIBLE = frozenset("\u2066\u2067\u2068\u2069\u200b\u200e\u200f\u061c")
_ROOM = 0.01  # rounding, points


class Style(NamedTuple):
    """How words look: size in points, weight, colour; `leading` is the line height in sizes, else the language's."""

    size: float = 9
    bold: bool = False
    colour: str = INK
    leading: float | None = None


class Run(NamedTuple):
    """Shaped characters that are drawn in one go, `x` points from the left end of their line."""

    choice: Choice
    shaped: Shaped
    x: float
    size: float


class Line(NamedTuple):
    """The runs of a line from left to right."""

    runs: tuple[Run, ...]
    width: float


class Atom(NamedTuple):
    """Characters that stay together, and how wide they and the spaces behind them are."""

    start: int
    end: int
    width: float
    space: float
    hard: bool = False  # a new line begins after it


@lru_cache(maxsize=32)
def is_rtl(language: str) -> bool:
    """Whether pages in `language` run from right to left."""
    return text.direction(language) == "rtl"


def printable(words: str) -> str:
    """Free text of people, with what no font has (an emoji) replaced by its number, like [U+1F622].

    For remarks and the names of goods: the name of a party or a code is refused rather than changed.
    """

    def said(char: str) -> str:
        try:
            typeface.choose(char, False)
        except NotPrintable:
            return "" if category(char) in ("Cf", "Mn", "Cc") else f"[U+{ord(char):04X}]"
        return char

    kept = _clean(words)
    try:
        typeface.choose(kept.replace("\n", " "), False)
    except NotPrintable:
        return "".join(char if char in _INVISIBLE or char == "\n" else said(char) for char in kept)
    return kept


def _clean(words: str) -> str:
    """Composed, without what has no shape of its own: controls, embeddings, variation selectors; \\n stays."""
    composed = _DROPPED.sub("", normalize("NFC", words))
    if composed.isprintable():
        return composed
    lines = composed.replace("\r\n", "\n").replace("\t", " ")
    return "".join(char for char in lines if char == "\n" or category(char) != "Cc")


class Paragraph:
    """Words in one style and language, ready to be measured and cut into lines of any width."""

    __slots__ = ("_atoms", "_chars", "_choices", "_levels", "leading", "rtl", "style")

    def __init__(self, words: str, style: Style, language: str) -> None:
        """Raises `NotPrintable` for a character that no font has."""
        self.style = style
        self.rtl = is_rtl(language)
        self.leading = style.size * (style.leading or _LEADING.get(language.split("_")[0], 1.4))
        self._chars = ""
        self._levels = bytearray()
        self._choices: list[Choice] = []
        self._atoms: list[Atom] = []
        for part in _clean(words).split("\n"):
            self._add(part)

    # ------------------------------------------------------------------------------------------ preparing

    def _add(self, part: str) -> None:
        """One hard line of the paragraph: its visible characters and the atoms they make."""
        if self.rtl or text.turns(part):
            part = _BRACKETED.sub(lambda found: f"({ltr(found[1])})", part)
            part = _CODE.sub(lambda found: ltr(found[0]), part)
        levels = direction.levels(part, self.rtl)
        start = len(self._chars)
        opportunities = set()
        visible = []
        for char, level in zip(part, levels, strict=True):
            if char not in _INVISIBLE:
                visible.append(char)
                self._levels.append(level)
            elif char == "\u200b":
                opportunities.add(start + len(visible))
        self._chars += "".join(visible)
        self._choices.extend(typeface.choose(self._chars[start:], self.style.bold))
        end = len(self._chars)
        cuts = [at for at in range(start + 1, end) if at in opportunities or self._may_break(start, at)]
        for first, last in zip([start, *cuts], [*cuts, end], strict=True):
            self._atoms.append(self._atom(first, last))
        self._atoms[-1] = self._atoms[-1]._replace(hard=True)

    def _may_break(self, start: int, at: int) -> bool:
        """Whether a line may end before the character `at`."""
        before, after = self._chars[at - 1], self._chars[at]
        if after == " " or before == "\u00a0" or after == "\u00a0":
            return False
        if before == " ":
            return True
        if after in _NO_START or before in _NO_END or typeface.joins(after):
            return False
        if before in "-‐–/" and at - 2 >= start:
            return self._chars[at - 2].islower() and after.islower()  # not within DE-HAM-01
        return typeface.script_of(before) == "chinese" or typeface.script_of(after) == "chinese"

    def _atom(self, start: int, end: int) -> Atom:
        visible = end
        while visible > start and self._chars[visible - 1] == " ":
            visible -= 1
        return Atom(start, end, self._width(start, visible), self._width(visible, end))

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The stretches of one font and one level within ``start:end``."""
        first = start
        for at in range(start + 1, end + 1):
            if at == end or self._choices[at] != self._choices[first] or self._levels[at] != self._levels[first]:
                yield first, at
                first = at

    def _shaped(self, start: int, end: int) -> tuple[Shaped, float]:
        """A stretch of one font and level, and the size it is drawn in."""
        font = self._choices[start].font
        words = self._chars[start:end]
        return typeface.shaped(font.fontName, words, self._levels[start] % 2 == 1), self.style.size * font.scale

    def _width(self, start: int, end: int) -> float:
        if start == end:
            return 0.0
        parts = (self._shaped(first, last) for first, last in self._pieces(start, end))
        return sum(shaped.width * size / 1000 for shaped, size in parts)

    # ------------------------------------------------------------------------------------------ measuring

    @property
    def narrowest(self) -> float:
        """The width of the longest word: narrower, words are broken."""
        return max(atom.width for atom in self._atoms)

    @property
    def widest(self) -> float:
        """The width of the longest line when nothing is broken."""
        widest = current = 0.0
        for atom in self._atoms:
            widest = max(widest, current + atom.width)
            current = 0.0 if atom.hard else current + atom.width + atom.space
        return widest

    def lines(self, width: float) -> list[Line]:
        """The lines of the paragraph in a column `width` wide; a word that is wider is broken."""
        return [self._line(start, end) for start, end in self._filled(width)]

    def height(self, width: float) -> float:
        """How high the paragraph is in a column `width` wide."""
        return self.leading * len(self._filled(width))

    def _filled(self, width: float) -> list[tuple[int, int]]:
        """Greedy lines as character ranges, without the spaces at their ends."""
        lines: list[tuple[int, int]] = []
        start, used, end = self._atoms[0].start, 0.0, self._atoms[0].start
        pending = 0.0
        for atom in self._fitting(width):
            if used + pending + atom.width > width + _ROOM:
                if used:
                    lines.append((start, end))
                start, used, pending = atom.start, 0.0, 0.0
            used += pending + atom.width
            end, pending = self._without_spaces(atom), atom.space
            if atom.hard:
                lines.append((start, end))
                start, end, used, pending = atom.end, atom.end, 0.0, 0.0
        return lines

    def _without_spaces(self, atom: Atom) -> int:
        end = atom.end
        while end > atom.start and self._chars[end - 1] == " ":
            end -= 1
        return end

    def _fitting(self, width: float) -> Iterator[Atom]:
        """The atoms, those wider than a line cut: at the signs within a code first, then anywhere."""
        for atom in self._atoms:
            if atom.width <= width + _ROOM:
                yield atom
                continue
            for part in self._cut(atom, self._soft_cuts(atom)):
                if part.width <= width + _ROOM:
                    yield part
                else:
                    yield from self._cut(part, self._letters(part))

    def _cut(self, atom: Atom, cuts: Iterable[int]) -> list[Atom]:
        places = [atom.start, *cuts, atom.end]
        parts = [self._atom(first, last) for first, last in pairwise(places) if last > first]
        parts[-1] = parts[-1]._replace(hard=atom.hard)
        return parts

    def _soft_cuts(self, atom: Atom) -> list[int]:
        return [at for at in range(atom.start + 2, atom.end) if self._chars[at - 1] in _SOFT]

    def _letters(self, atom: Atom) -> list[int]:
        return [
            at for at in range(atom.start + 1, atom.end) if not typeface.stays(self._chars[at - 1], self._chars[at])
        ]

    # -------------------------------------------------------------------------------------------- drawing

    def _line(self, start: int, end: int) -> Line:
        """One line in visual order (rule L2)."""
        pieces = list(self._pieces(start, end)) if end > start else []
        for level in range(max((self._levels[first] for first, _ in pieces), default=0), 0, -1):
            at = 0
            while at < len(pieces):
                stop = at
                while stop < len(pieces) and self._levels[pieces[stop][0]] >= level:
                    stop += 1
                pieces[at:stop] = pieces[at:stop][::-1]
                at = max(stop, at + 1)
        runs, x = [], 0.0
        for first, last in pieces:
            shaped, size = self._shaped(first, last)
            runs.append(Run(self._choices[first], shaped, x, size))
            x += shaped.width * size / 1000
        return Line(tuple(runs), x)

    def draw(self, canvas: Canvas, x: float, top: float, width: float, align: Align = "start") -> float:
        """Draw the paragraph in the column from `x`, its top at `top`; says how high it is."""
        lines = self.lines(width)
        self.draw_lines(canvas, lines, x, top, width, align)
        return self.leading * len(lines)

    def draw_lines(
        self, canvas: Canvas, lines: Iterable[Line], x: float, top: float, width: float, align: Align = "start"
    ) -> None:
        """Draw some of the paragraph's lines, the first with its top at `top`."""
        side = {"start": "right" if self.rtl else "left", "end": "left" if self.rtl else "right"}.get(align, align)
        share = {"left": 0.0, "right": 1.0, "centre": 0.5}[side]
        baseline = top - self.leading / 2 - self.style.size * _BASELINE
        for line in lines:
            _ink(canvas, line, x + (width - line.width) * share, baseline, self.style)
            baseline -= self.leading


def _ink(canvas: Canvas, line: Line, x: float, baseline: float, style: Style) -> None:
    colour = HexColor(style.colour)
    for run in line.runs:
        writing = canvas.beginText(x + run.x, baseline)
        writing.setFont(run.choice.font.fontName, run.size)
        writing.setFillColor(colour)
        if run.choice.heavier:
            canvas.setLineWidth(style.size * _BOLDER)
            writing.setStrokeColor(colour)
            writing.setTextRenderMode(2)
        writing.textOut(run.shaped.codes)
        if run.choice.heavier:
            writing.setTextRenderMode(0)
        canvas.drawText(writing)
