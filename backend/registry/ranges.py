"""Location codes by range: one pattern stands for the codes of a whole aisle or hall. Pure."""

import re
from collections.abc import Sequence
from itertools import product

from backend.core import values
from backend.core.errors import Fault
from backend.core.text import N_

MOST_CODES = 10_000
LONGEST_PATTERN = 200

_RANGE = re.compile(r"\{(?:([0-9]{1,6})\.\.([0-9]{1,6})|([A-Z])\.\.([A-Z]))\}")


def expand(field: str, pattern: str, faults: list[Fault]) -> list[str]:
    """The location codes of a pattern: ``A-{01..03}`` -> A-01, A-02, A-03; ``{A..C}`` runs over letters.

    A number is padded to the width its range begins with. More than 10,000 codes are refused before any is made.
    """
    text = values.code_of(pattern)
    if not text:
        faults.append(Fault(field, "", N_("Give a code, or a pattern such as A-{01..04}-{1..5}.")))
        return []
    if len(text) > LONGEST_PATTERN:
        values.place_code(field, text, faults)
        return []
    pieces: list[Sequence[str]] = []
    count, end = 1, 0
    for found in _RANGE.finditer(text):
        first, last, letter, last_letter = found.groups()
        if letter:
            steps: Sequence[str] = [chr(code) for code in range(ord(letter), ord(last_letter) + 1)]
        else:
            steps = _Numbers(int(first), int(last), len(first))
        if not steps:
            faults.append(
                Fault(
                    field,
                    pattern,
                    N_("The range “%(range)s” runs backwards. Write the smaller end first, e.g. {01..10}."),
                    {"range": found[0]},
                )
            )
            return []
        pieces += [[text[end : found.start()]], steps]
        count, end = count * len(steps), found.end()
    pieces.append([text[end:]])
    if any(sign in piece for piece in (pieces[n][0] for n in range(0, len(pieces), 2)) for sign in "{}"):
        faults.append(
            Fault(
                field,
                pattern,
                N_("“%(value)s” has a range that cannot be read. Write ranges like {01..10} or {A..F}."),
                {"value": pattern},
            )
        )
        return []
    if count > MOST_CODES:
        faults.append(
            Fault(
                field,
                pattern,
                N_("“%(value)s” stands for %(count)s codes. At most %(most)s can be made at once: narrow a range."),
                {"value": pattern, "count": count, "most": MOST_CODES},
            )
        )
        return []
    codes = ["".join(parts) for parts in product(*pieces)]
    # The last code of a pattern is its longest: what holds for it holds for all.
    values.place_code(field, codes[-1], faults)
    return codes


class _Numbers(Sequence[str]):
    """The numbers from `first` to `last` in at least `width` digits, made when they are asked for."""

    def __init__(self, first: int, last: int, width: int) -> None:
        self._range, self._width = range(first, last + 1), width

    def __len__(self) -> int:
        return len(self._range)

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        return f"{self._range[at]:0{self._width}d}"
