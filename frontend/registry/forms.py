"""What the registry's pages share: choices in words, numbers as they are typed, the revision a form was made from."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote

from backend.core import text
from backend.core.errors import Conflict
from backend.registry.rules import Warehouse

ROWS = 50
Choice = TypeVar("Choice", bound=StrEnum)
LANGUAGES = {"en": "en", "zh": "zh_CN", "ar": "ar"}


def named(names: Mapping[Choice, str]) -> list[tuple[str, str]]:
    """Choices for a select: the value and its word."""
    return [(value.value, text.gettext(word)) for value, word in names.items()]


def name_pairs(names: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Every language in which things are named, and the name in it."""
    return [(text.own_name(language), names.get(code)) for code, language in LANGUAGES.items()]


def revision(given: Mapping[str, str]) -> int:
    """The revision that the form was made from; a form without one is as good as stale."""
    number = given.get("revision", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Conflict
    return int(number)


def decimal(number: Decimal | None) -> str:
    """A number as it is typed."""
    return "" if number is None else format(number.normalize(), "f")


def warehouse_path(seen: Warehouse) -> str:
    """The address of a warehouse's page."""
    return f"/registry/warehouses/{quote(seen.code, safe='')}"
