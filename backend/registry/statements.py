"""What people state about warehouses, locations and items: read from what was typed, every fault found. Pure."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

import msgspec

from backend.access import rules as access_rules
from backend.core import values
from backend.core.errors import Fault
from backend.core.text import N_, Word
from backend.registry.regions import COUNTRIES
from backend.registry.rules import LOCATION_KIND_NAMES, PARENTS, BarcodeKind, LocationKind, Status, Taxonomy

MOST_BARCODES = 50
NEEDED: Mapping[str, str] = {
    "country": N_("Choose the country or region in which the warehouse stands."),
    "address": N_("Give the address, as a carrier needs it."),
    "latitude": N_("Give the latitude in degrees, e.g. 53.5411."),
    "longitude": N_("Give the longitude in degrees, e.g. 9.9937."),
    "area_m2": N_("Give the area in square metres, e.g. 12000."),
    "capacity_m3": N_("Give the capacity in cubic metres, e.g. 90000."),
}
NAMELESS: Mapping[str, str] = {
    "name": N_("Give a name in at least one language."),
    "city": N_("Give the name of the city in at least one language."),
}

Choice = TypeVar("Choice", bound=StrEnum)


class WarehouseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a warehouse's keeper states about it; None stands where a fault was found."""

    names: dict[str, str]
    country: str
    city: dict[str, str]
    address: str
    latitude: Decimal | None
    longitude: Decimal | None
    time_zone: str
    area_m2: Decimal | None
    capacity_m3: Decimal | None
    taxonomy: Taxonomy | None


class ItemFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner states about an item; `barcodes` by code."""

    names: dict[str, str]
    hs_code: str | None
    weight_kg: Decimal | None
    length_cm: Decimal | None
    width_cm: Decimal | None
    height_cm: Decimal | None
    barcodes: dict[str, BarcodeKind]


# ------------------------------------------------------------------------------------------------------- warehouses


def warehouse_code(text: str, faults: list[Fault]) -> str:
    """The code of a new warehouse; it stands in addresses of pages, so it has no slash."""
    if not text.strip():
        faults.append(Fault("code", "", N_("Give the warehouse a code, e.g. HAM.")))
        return ""
    code = values.place_code("code", text, faults)
    if "/" in code:
        faults.append(
            Fault("code", text, N_("“%(value)s” holds a slash. Use - or . instead, e.g. HAM-1."), {"value": text})
        )
    return code


def warehouse_facts(given: Mapping[str, str], faults: list[Fault]) -> WarehouseFacts:
    """What was typed about a warehouse; everything wrong with it becomes a fault."""
    faults += [Fault(field, "", sentence) for field, sentence in NEEDED.items() if not given.get(field, "").strip()]
    country = given.get("country", "").strip().upper()
    if country and country not in COUNTRIES:
        faults.append(
            Fault(
                "country",
                country,
                N_("“%(value)s” is not a country or region. Choose one of the list (ISO 3166, e.g. DE)."),
                {"value": country},
            )
        )
    return WarehouseFacts(
        names=_names("name", given, faults),
        country=country,
        city=_names("city", given, faults),
        address=_line("address", given.get("address", ""), 300, faults),
        latitude=values.measure("latitude", given.get("latitude", ""), faults, least="-90", most="90"),
        longitude=values.measure("longitude", given.get("longitude", ""), faults, least="-180", most="180"),
        time_zone=access_rules.time_zone(given.get("time_zone", ""), faults),
        area_m2=values.measure("area_m2", given.get("area_m2", ""), faults),
        capacity_m3=values.measure("capacity_m3", given.get("capacity_m3", ""), faults),
        taxonomy=one_of("taxonomy", given.get("taxonomy", ""), Taxonomy, faults),
    )


def status_note(after: Status | None, text: str, faults: list[Fault]) -> str:
    """Why a warehouse changes its status; its operator is owed a reason for being suspended."""
    if after is Status.SUSPENDED and not text.strip():
        faults.append(Fault("note", "", N_("Say why: the operator has to know what to put right.")))
    return _line("note", text, 500, faults)


# -------------------------------------------------------------------------------------------------------- locations


def location_kind(text: str, faults: list[Fault]) -> LocationKind:
    """The kind of locations to make: zone, aisle or bin."""
    kind = one_of("kind", text, LocationKind, faults)
    if kind is not None and kind not in PARENTS:
        faults.append(
            Fault(
                "kind",
                text,
                N_("Dock and workshop come with the warehouse. Choose zone, aisle or bin."),
                {"value": text},
            )
        )
    return kind or LocationKind.BIN


def parent_faults(code: str, parent: LocationKind | None, kind: LocationKind) -> list[Fault]:
    """What is wrong with hanging locations of `kind` under the location `code`, whose kind is `parent` (None: there is none)."""
    if parent in PARENTS.get(kind, ()):
        return []
    return [
        Fault(
            "parent",
            code,
            N_(
                "“%(value)s” cannot hold locations of the kind “%(kind)s”. Choose a zone or aisle above them, or leave it empty."
            ),
            {"value": code, "kind": Word(LOCATION_KIND_NAMES[kind])},
        )
    ]


# ------------------------------------------------------------------------------------------------------------ items


def item_code(text: str, faults: list[Fault]) -> str:
    """The code of a new item."""
    if not text.strip():
        faults.append(Fault("code", "", N_("Give the item a code: your own number for it.")))
        return ""
    return values.goods_code("code", text, faults)


def item_facts(given: Mapping[str, str], faults: list[Fault]) -> ItemFacts:
    """What was typed about an item; everything wrong with it becomes a fault. GTINs are separated by anything, own codes by lines."""
    hs_code = re.sub(r"[.\s]", "", given.get("hs_code", ""))
    if hs_code and not (hs_code.isascii() and hs_code.isdecimal() and 4 <= len(hs_code) <= 10):
        faults.append(
            Fault(
                "hs_code",
                given["hs_code"],
                N_("“%(value)s” is not an HS code. Give 4 to 10 digits, e.g. 940310."),
                {"value": given["hs_code"]},
            )
        )
    gtins = [gtin(text, faults) for text in re.split(r"[\s,;]+", given.get("gtins", "")) if text]
    own = [
        values.goods_code("own_barcodes", line, faults)
        for line in given.get("own_barcodes", "").splitlines()
        if line.strip()
    ]
    faults += _barcode_faults(gtins, own)
    return ItemFacts(
        names=_names("name", given, faults),
        hs_code=hs_code or None,
        weight_kg=values.measure("weight_kg", given.get("weight_kg", ""), faults, least="0.0001", most="100000"),
        length_cm=values.measure("length_cm", given.get("length_cm", ""), faults, least="0.01", most="100000"),
        width_cm=values.measure("width_cm", given.get("width_cm", ""), faults, least="0.01", most="100000"),
        height_cm=values.measure("height_cm", given.get("height_cm", ""), faults, least="0.01", most="100000"),
        barcodes=dict.fromkeys(gtins, BarcodeKind.GTIN) | dict.fromkeys(own, BarcodeKind.OWN),
    )


def gtin(text: str, faults: list[Fault]) -> str:
    """A GTIN-8, -12, -13 or -14 with the right check digit; anything else becomes a fault."""
    code = values.code_of(text)
    if values.gtin_is_valid(code):
        return code
    if code.isascii() and code.isdecimal() and len(code) in (8, 12, 13, 14):
        right = next(digit for digit in "0123456789" if values.gtin_is_valid(code[:-1] + digit))
        sentence = N_(
            "The check digit of “%(value)s” is wrong: after these digits it would be %(right)s. Scan or type it again."
        )
        faults.append(Fault("gtins", text, sentence, {"value": text, "right": right}))
    else:
        sentence = N_("“%(value)s” is not a GTIN. Give 8, 12, 13 or 14 digits, or enter it among your own codes.")
        faults.append(Fault("gtins", text, sentence, {"value": text}))
    return code


def _barcode_faults(gtins: Iterable[str], own: Iterable[str]) -> list[Fault]:
    seen: set[str] = set()
    twice: list[Fault] = []
    for field, codes in (("gtins", gtins), ("own_barcodes", own)):
        for code in codes:
            if code in seen:
                twice.append(
                    Fault(field, code, N_("“%(value)s” is entered twice. Leave one of them out."), {"value": code})
                )
            seen.add(code)
    if len(seen) > MOST_BARCODES:
        twice.append(
            Fault(
                "own_barcodes",
                len(seen),
                N_("%(count)s barcodes are too many. An item has at most %(most)s."),
                {"count": len(seen), "most": MOST_BARCODES},
            )
        )
    return twice


# -------------------------------------------------------------------------------------------------- what they share


def one_of(field: str, text: str, choices: type[Choice], faults: list[Fault]) -> Choice | None:
    """The member of `choices` that `text` names; anything else becomes a fault."""
    try:
        return choices(text)
    except ValueError:
        faults.append(
            Fault(
                field,
                text,
                N_("“%(value)s” is not a choice here. Use one of: %(choices)s."),
                {"value": text, "choices": list(choices)},
            )
        )
        return None


def _line(field: str, text: str, most: int, faults: list[Fault]) -> str:
    """A line of at most `most` characters that can be seen; anything else becomes a fault."""
    line = " ".join(text.split())
    if len(line) > most or not line.isprintable():
        faults.append(
            Fault(field, text, N_("Use at most %(most)s characters here, and no invisible ones."), {"most": most})
        )
    return line


def _names(field: str, given: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    kept = {
        language: _line(f"{field}_{language}", text, 200, faults)
        for language in values.NAME_LANGUAGES
        if (text := given.get(f"{field}_{language}", "").strip())
    }
    if not kept:
        faults.append(Fault(field, "", NAMELESS[field]))
    return kept
