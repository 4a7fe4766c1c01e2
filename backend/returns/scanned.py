"""What a scanned code says: one of our numbers, a GS1 code, an address of ours, or a plain code. Pure."""

import itertools
import re
import uuid
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import unquote, urlsplit

import msgspec

from backend.core import values

LONGEST = 400
_GROUP = "\x1d"
# Application identifiers whose values have a fixed length (GS1 General Specifications, figure 3.2-1) and those that we read.
_FIXED = {"00": 18, "01": 14, "02": 14, "11": 6, "12": 6, "13": 6, "15": 6, "16": 6, "17": 6, "20": 2, "402": 17}
_LONGEST_VALUE = {"10": 20, "21": 20, "240": 30, "241": 30, "250": 30, "37": 8, "400": 30, "401": 30, "403": 30}
_BRACKETED = re.compile(r"\((\d{2,4})\)([^(]*)")
_SYMBOL = re.compile(r"^\][A-Za-z]\d")
_SIGNED = re.compile(r"^([A-Z])([0-9A-Z]{11})(?:([PU])(\d{1,6}))?$")
_ADDRESS = re.compile(r"/returns/(?:(units|parcels|batches)/)?([0-9A-Za-z-]{8,40})/?$")


class Kind(StrEnum):
    """What a code names, as far as its signs say."""

    NOTHING = "nothing"
    RETURN = "return"
    PARCEL = "parcel"
    UNIT = "unit"
    ELSEWHERE = "elsewhere"
    PLAIN = "plain"


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code as it is understood: `text` in its one spelling; a return by `number` or `id`, its parcel or unit by `part`.

    `items` are the codes that an item could have it under, `serial` the serial number that came with it. `mistyped`: it
    looks like one of our numbers, but its check sign is wrong.
    """

    kind: Kind
    text: str
    number: str = ""
    id: uuid.UUID | None = None
    part: int = 0
    items: tuple[str, ...] = ()
    serial: str = ""
    mistyped: bool = False


# The first sign of the numbers of documents that are not received.
DOCUMENTS = "BHDWSPN"


def read(typed: str) -> Code:
    """What a scanner, or a person, typed."""
    raw = typed.strip()[:LONGEST]
    text = values.code_of(raw.replace(_GROUP, " "))
    if not text:
        return Code(kind=Kind.NOTHING, text="")
    if found := _of_address(raw, text):
        return found
    compact = text.replace(" ", "")
    if found := _of_number(compact):
        return found
    mistyped = _SIGNED.fullmatch(compact) is not None and compact[0] in "R" + DOCUMENTS
    elements = gs1(raw)
    if gtin := elements.get("01", ""):
        serial = values.code_of(elements.get("21", ""))
        return Code(kind=Kind.PLAIN, text=text, items=gtins(gtin), serial=serial)
    if carton := elements.get("00", ""):
        return Code(kind=Kind.PLAIN, text=carton, items=(carton,))
    items = gtins(compact) if values.gtin_is_valid(compact) else ()
    return Code(kind=Kind.PLAIN, text=text, items=tuple(dict.fromkeys((text, *items))), mistyped=mistyped)


def _of_number(compact: str) -> Code | None:
    found = _SIGNED.fullmatch(compact)
    if found is None:
        return None
    number, part = compact[:12], int(found[4] or 0)
    if not values.is_number(number, found[1]):
        return None
    if found[1] == "R":
        kind = {"P": Kind.PARCEL, "U": Kind.UNIT, None: Kind.RETURN}[found[3]]
        return Code(kind=kind, text=compact, number=number, part=part)
    if found[1] in DOCUMENTS and not part:
        return Code(kind=Kind.ELSEWHERE, text=compact, number=number)
    return None


def _of_address(raw: str, text: str) -> Code | None:
    """The address on a label of ours, or a GS1 Digital Link."""
    if not raw.lower().startswith(("http://", "https://")):
        return None
    parts = urlsplit(raw)
    if found := _ADDRESS.search(parts.path):
        if number := _of_number(values.code_of(found[2])):
            return number
        try:
            return Code(kind=Kind.RETURN, text=text, id=uuid.UUID(found[2])) if not found[1] else None
        except ValueError:
            return None
    pieces = [unquote(piece) for piece in parts.path.split("/") if piece]
    elements = dict(itertools.pairwise(pieces))
    gtin = elements.get("01", "")
    if values.gtin_is_valid(gtin):
        serial = values.code_of(elements.get("21", ""))
        return Code(kind=Kind.PLAIN, text=text, items=gtins(gtin), serial=serial)
    return None


def gs1(raw: str) -> Mapping[str, str]:
    """The elements of a GS1 string by application identifier; empty for anything that is none."""
    body = _SYMBOL.sub("", raw.strip())
    if body.startswith("("):
        found = dict(_BRACKETED.findall(body))
        return {ai: value.strip() for ai, value in found.items()} if _sound(found) else {}
    elements: dict[str, str] = {}
    body = body.removeprefix(_GROUP)
    while body:
        ai = next((body[:n] for n in (2, 3, 4) if body[:n] in _FIXED or body[:n] in _LONGEST_VALUE), "")
        if not ai:
            return {}
        rest = body[len(ai) :]
        if ai in _FIXED:
            value, body = rest[: _FIXED[ai]], rest[_FIXED[ai] :].removeprefix(_GROUP)
        else:
            value, _, body = rest.partition(_GROUP)
            if len(value) > _LONGEST_VALUE[ai]:
                return {}
        elements[ai] = value
    return elements if _sound(elements) else {}


def _sound(elements: Mapping[str, str]) -> bool:
    """Whether the identifying elements are what they say; a plain number that happens to begin with 01 is not."""
    fixed = all(len(value.strip()) == _FIXED[ai] for ai, value in elements.items() if ai in _FIXED)
    gtin = elements.get("01")
    carton = elements.get("00")
    return (
        fixed
        and bool(gtin or carton)
        and (gtin is None or values.gtin_is_valid(gtin.strip()))
        and (carton is None or carton.strip().isdecimal())
    )


def gtins(code: str) -> tuple[str, ...]:
    """The spellings in which one GTIN may be kept: with and without leading zeros."""
    digits = code.strip().zfill(14)
    return tuple(digits[14 - length :] for length in (14, 13, 12, 8) if not digits[: 14 - length].strip("0"))
