"""Where a city lies, for distances: cities of 100,000 people or more, from GeoNames (cities.tsv). Pure."""

import math
import re
import unicodedata
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import msgspec

EARTH_RADIUS_KM = 6371.0088
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})


class Source(StrEnum):
    """How a place is known: coordinates that were given, the city, or the capital in place of a city nobody knows."""

    GIVEN = "given"
    CITY = "city"
    CAPITAL = "capital"


class Place(msgspec.Struct, frozen=True):
    """A point in WGS 84 degrees, what it is called and how it is known."""

    latitude: Decimal
    longitude: Decimal
    name: str
    source: Source


def place_of(
    country: str, city: str, latitude: Decimal | None = None, longitude: Decimal | None = None
) -> Place | None:
    """The best that is known of where a buyer is; None for a country without cities."""
    if latitude is not None and longitude is not None:
        return Place(latitude, longitude, city, Source.GIVEN)
    return _find(country.strip().upper(), folded(city))


def distance_km(a: Place, latitude: Decimal, longitude: Decimal) -> int:
    """The great-circle distance in whole kilometres."""
    lat1, lon1, lat2, lon2 = (math.radians(float(each)) for each in (a.latitude, a.longitude, latitude, longitude))
    inside = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(inside))))


def folded(text: str) -> str:
    """A name as it is looked up: small letters without accents and signs, so that München, MUNCHEN and Munchen are one."""
    plain = unicodedata.normalize("NFKD", text[:200]).casefold()
    bare = "".join(sign for sign in plain if not unicodedata.combining(sign)).translate(_LETTERS)
    return " ".join(re.sub(r"[^\w]+", " ", bare).split())


@lru_cache(maxsize=4096)
def _find(country: str, city: str) -> Place | None:
    lines = _cities().get(country)
    if not lines:
        return None
    for line in lines if city else ():
        name, latitude, longitude, others = line.split("\t")
        if folded(name) == city or city in others.split("|"):
            return Place(Decimal(latitude), Decimal(longitude), name, Source.CITY)
    name, latitude, longitude, _ = lines[0].split("\t")
    return Place(Decimal(latitude), Decimal(longitude), name, Source.CAPITAL)


@lru_cache(maxsize=1)
def _cities() -> dict[str, list[str]]:
    """The lines of cities.tsv by country, the capital first."""
    found: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("cities.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, rest = line.partition("\t")
            found.setdefault(country, []).append(rest)
    return found
