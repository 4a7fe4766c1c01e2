"""Which way each character runs: the levels of the Unicode bidirectional algorithm (UAX 9).

The weak, neutral and implicit rules are python-bidi's. Isolates (U+2066-U+2069) and paired brackets (rule N0), which its
steps lack, are added here: the content of an isolate is resolved by itself, one level deeper, and stands as one neutral
character in the text around it. Embeddings and overrides (U+202A-U+202E) are the business of `typeset`, which drops them.
"""

from typing import Any
from unicodedata import bidirectional, category

from bidi import algorithm
from bidi.mirror import MIRRORED

from backend.core.text import FSI, PDI, isolated, turns

LRI, RLI = "\u2066", "\u2067"
_OPENING = frozenset({LRI, RLI, FSI})
_DEEPEST = 120  # levels; isolates beyond are characters like others
_CLOSES = {opening: closing for opening, closing in MIRRORED.items() if category(opening) == "Ps"}
_CLOSING = frozenset(_CLOSES.values())
_DEEPEST_BRACKETS = 63


def levels(words: str, rtl: bool) -> list[int]:
    """The level of each character of one paragraph; odd levels run from right to left."""
    found = [int(rtl)] * len(words)
    if rtl or turns(words):
        _resolve(words, 0, len(words), int(rtl), found)
    return found


def ltr(words: str) -> str:
    """A code, number or address that runs from left to right, whatever stands around it."""
    return LRI + isolated(words)[1:]


def _end_of_isolate(words: str, start: int, end: int) -> int:
    depth = 0
    for at in range(start, end):
        if words[at] in _OPENING:
            depth += 1
        elif words[at] == PDI:
            if not depth:
                return at
            depth -= 1
    return end


def _first_strong_is_rtl(words: str, start: int, end: int) -> bool:
    at = start
    while at < end:
        if words[at] in _OPENING:
            at = _end_of_isolate(words, at + 1, end)
        elif (kind := bidirectional(words[at])) in ("L", "R", "AL"):
            return kind != "L"
        at += 1
    return False


def _resolve(words: str, start: int, end: int, level: int, found: list[int]) -> None:
    """Write the levels of ``words[start:end]``, whose embedding level is `level`, into `found`."""
    storage: dict[str, Any] = algorithm.get_empty_storage()
    storage["base_level"], storage["base_dir"] = level, "LR"[level % 2]
    chars, places, unseen = storage["chars"], [], []
    at = start
    while at < end:
        char = words[at]
        kind = "ON" if char in _OPENING or char == PDI else bidirectional(char) or "L"
        if kind not in ("BN", "LRE", "RLE", "LRO", "RLO", "PDF"):
            chars.append({"ch": char, "level": level, "type": kind, "orig": kind})
            places.append(at)
        else:
            unseen.append(at)
        if char in _OPENING and level < _DEEPEST:
            close = _end_of_isolate(words, at + 1, end)
            rtl = char == RLI or (char == FSI and _first_strong_is_rtl(words, at + 1, close))
            _resolve(words, at + 1, close, level + 1 if (level + 1) % 2 == rtl else level + 2, found)
            at = close
        else:
            at += 1
    algorithm.calc_level_runs(storage)
    algorithm.resolve_weak_types(storage)
    _resolve_brackets(chars, level)
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    for place, resolved in zip(places, chars, strict=True):
        found[place] = resolved["level"]
    for at in unseen:  # a joiner belongs to the letter before it
        found[at] = found[at - 1] if at > start else level


def _pairs(chars: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Where brackets open and close, in the order of opening (BD16)."""
    stack: list[tuple[str, int]] = []
    pairs = []
    for at, char in enumerate(chars):
        if char["type"] != "ON":
            continue
        if char["ch"] in _CLOSES:
            if len(stack) == _DEEPEST_BRACKETS:
                break
            stack.append((_CLOSES[char["ch"]], at))
        elif char["ch"] in _CLOSING:
            for depth in range(len(stack) - 1, -1, -1):
                if stack[depth][0] == char["ch"]:
                    pairs.append((stack[depth][1], at))
                    del stack[depth:]
                    break
    return sorted(pairs)


def _strong(kind: str) -> str | None:
    return "R" if kind in ("R", "EN", "AN") else "L" if kind == "L" else None


def _resolve_brackets(chars: list[dict[str, Any]], level: int) -> None:
    """Rule N0: both brackets of a pair run the same way, by what they enclose and what stands before them."""
    own = "LR"[level % 2]
    for opening, closing in _pairs(chars):
        inside = {_strong(char["type"]) for char in chars[opening + 1 : closing]} - {None}
        if not inside:
            continue
        way = own
        if own not in inside:
            before = (_strong(char["type"]) for char in reversed(chars[:opening]))
            way = next((kind for kind in before if kind), own)
        for at in (opening, closing):
            chars[at]["type"] = way
            for mark in chars[at + 1 :]:
                if mark["orig"] != "NSM":
                    break
                mark["type"] = way
