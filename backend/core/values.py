"""Values every slice speaks: ids, codes, names by language, quantities."""

import hashlib
import re
import secrets
import unicodedata
import uuid
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import uuid_utils.compat

from backend.core import clock
from backend.core.errors import Fault
from backend.core.text import N_

LARGEST_QUANTITY = 1_000_000_000
PLACE_CODE = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,31}")
# Signs that only steer how a line is written or broken; they come along when a number is copied from a page or a PDF.
_UNSEEN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# Control characters but tab and line breaks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
GOODS_CODE = re.compile(r"[^\s=+@'\"\x00-\x1f\x7f-][^\x00-\x1f\x7f]{0,63}")
# Without I, L, O and U, which are misread, and Z, which keyboards swap with Y: a prime number of signs.
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXY"
NAME_LANGUAGES = ("zh", "en", "ar")
_RANDOM = (1 << 80) - 1


def new_id() -> uuid.UUID:
    """A new id, ordered by time (UUID version 7)."""
    made = uuid_utils.compat.uuid7()
    if (told := clock.told()) is None:
        return made
    # Its first 48 bits are the milliseconds.
    return uuid.UUID(int=int(told.timestamp() * 1000) << 80 | made.int & _RANDOM)


def new_number(prefix: str) -> str:
    """A number for papers that people read aloud and scanners read: `prefix`, ten random signs, one that checks them.

    The last sign finds one wrong sign and two swapped neighbours.
    """
    body = "".join(secrets.choice(_SIGNS) for _ in range(10))
    return f"{prefix}{body}{_check_sign(prefix + body)}"


def is_number(text: str, prefix: str) -> bool:
    """Whether `text` is a number of `new_number` with this prefix, its check sign included."""
    signs = text[len(prefix) :]
    return (
        len(signs) == 11
        and text.startswith(prefix)
        and set(signs) <= set(_SIGNS)
        and (_check_sign(text[:-1]) == text[-1])
    )


def _check_sign(text: str) -> str:
    """Weighted by place, modulo the prime number of signs."""
    return _SIGNS[sum(place * _SIGNS.index(sign) for place, sign in enumerate(text, 1)) % len(_SIGNS)]


def code_of(text: str) -> str:
    """A code in its one spelling: NFKC, no surrounding or doubled spaces, no signs that only steer writing, capital letters.

    NUL, which no database holds, becomes DEL: a code with either is found nowhere and refused everywhere.
    """
    seen = text if text.isascii() else unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    return findable(" ".join(seen.split()).upper())


def findable(text: str) -> str:
    """A text to look for in the database, which holds no NUL: with one it is found nowhere."""
    return text.replace("\0", "\x7f")


def place_code(field: str, text: str, faults: list[Fault]) -> str:
    """The code of a warehouse, location or organisation; anything else becomes a fault."""
    code = code_of(text)
    if not PLACE_CODE.fullmatch(code):
        faults.append(
            Fault(
                field,
                text,
                N_(
                    "“%(value)s” is not a code. Use 1 to 32 letters A-Z, digits and . _ / -, beginning with a letter or digit."
                ),
                {"value": text},
            )
        )
    return code


def goods_code(field: str, text: str, faults: list[Fault]) -> str:
    """The code of an item or lot; anything else becomes a fault."""
    code = code_of(text)
    if not GOODS_CODE.fullmatch(code):
        faults.append(
            Fault(
                field,
                text,
                N_(
                    "“%(value)s” is not a code. Use 1 to 64 characters, not beginning with = + - @ or a quotation mark."
                ),
                {"value": text},
            )
        )
    return code


def text_faults(field: str, text: str, most: int) -> list[Fault]:
    """The fault of a text that has more than `most` characters, or holds signs that nobody sees."""
    if len(text) > most:
        return [Fault(field, text[:50], N_("This text has more than %(most)s characters. Shorten it."), {"most": most})]
    if _CONTROL.search(text):
        return [Fault(field, text[:50], N_("This text holds invisible signs. Type it again."))]
    return []


def names(field: str, given: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    """Names by language (``zh``, ``en``, ``ar``): at least one, each at most 200 characters."""
    kept = {lang: " ".join(text.split()) for lang, text in given.items() if text and text.strip()}
    if not kept:
        faults.append(Fault(field, "", N_("Give a name in at least one language.")))
    for lang, text in kept.items():
        if len(text) > 200:
            faults.append(Fault(f"{field}_{lang}", text, N_("A name has at most %(most)s characters."), {"most": 200}))
        else:
            faults += text_faults(f"{field}_{lang}", text, 200)
    return kept


def display_name(given: Mapping[str, str], language: str) -> str:
    """The name in `language`, else in English, else in any language there is."""
    wanted = language.split("_")[0]
    return given.get(wanted) or given.get("en") or given.get("zh") or next(iter(given.values()), "")


def quantity_fault(field: str, value: object) -> Fault:
    """The one sentence about a quantity that is none."""
    return Fault(
        field,
        value,
        N_("“%(value)s” is not a quantity. Give whole pieces from 1 to %(most)s, without separators, e.g. 1250."),
        {"value": value, "most": LARGEST_QUANTITY},
    )


def quantity(field: str, text: str, faults: list[Fault]) -> int:
    """A whole number of pieces from 1 to a milliard, as typed in any of our scripts; 0 with a fault for anything else."""
    plain = "".join(
        str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in text.strip() if not c.isspace()
    )
    if plain.isascii() and plain.isdecimal() and len(plain) <= 10 and 0 < int(plain) <= LARGEST_QUANTITY:
        return int(plain)
    faults.append(quantity_fault(field, text))
    return 0


def measure(field: str, text: str, faults: list[Fault], *, least: str = "0", most: str = "100000000") -> Decimal | None:
    """A decimal number with a point, or None when the field is left empty."""
    plain = "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in text.strip())
    if not plain:
        return None
    try:
        number = Decimal(plain)
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_finite() and Decimal(least) <= number <= Decimal(most):
        return number
    faults.append(
        Fault(
            field,
            text,
            N_("“%(value)s” is not a number from %(least)s to %(most)s. Write it with a point, e.g. 12.5."),
            {"value": text, "least": least, "most": most},
        )
    )
    return None


def gtin_is_valid(code: str) -> bool:
    """Whether `code` is a GTIN-8, -12, -13 or -14 with the right check digit (GS1 General Specifications 7.9)."""
    if not (code.isascii() and code.isdecimal() and len(code) in (8, 12, 13, 14)):
        return False
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(code)))
    return total % 10 == 0


def digest(value: Any) -> bytes:
    """A hash of what a request asked for, the same for the same content."""
    return hashlib.blake2b(msgspec.json.encode(value, order="deterministic"), digest_size=16).digest()
