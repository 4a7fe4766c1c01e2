"""Why a row of a trade file is rejected: the reasons, their names, and the sentence that names the way out. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from backend.core import values
from backend.core.text import N_
from backend.trade.mapping import FileMapping

LONGEST_REFERENCE = 64
LONGEST_CELL = 64 << 10


class Why(StrEnum):
    """Why a row is rejected."""

    NOT_GOODS = "not_goods"
    CELLS = "cells"
    QUOTES = "quotes"
    TOO_LONG = "too_long"
    NUL = "nul"
    REFERENCE = "reference"
    ITEM = "item"
    QUANTITY = "quantity"
    ZERO = "zero"
    HUGE = "huge"
    SIGN = "sign"
    DATE = "date"
    FUTURE = "future"
    TOO_OLD = "too_old"
    UNKNOWN_ITEM = "unknown_item"
    NOT_ENOUGH = "not_enough"


WHY_SENTENCES: Mapping[Why, str] = {
    Why.NOT_GOODS: N_("“%(value)s” is a service or a charge, not goods: it moves no stock. Nothing needs to be done."),
    Why.CELLS: N_(
        "The row has %(value)s cells, the heading has %(wanted)s. Put texts with a “%(delimiter)s” into quotation marks."
    ),
    Why.QUOTES: N_("The quotation marks in this row do not match. Write a quotation mark inside a text twice."),
    Why.TOO_LONG: N_("A cell of this row is longer than %(most)s characters. Shorten it."),
    Why.NUL: N_("The row contains a NUL character. Remove it."),
    Why.REFERENCE: N_("“%(value)s” is not an invoice number. Give 1 to %(longest)s characters."),
    Why.ITEM: N_(
        "“%(value)s” is not an item code. Use 1 to 64 characters, not beginning with = + - @ or a quotation mark."
    ),
    Why.QUANTITY: N_("“%(value)s” is not a quantity. Give whole pieces without separators, e.g. 1250."),
    Why.ZERO: N_("The quantity is zero: nothing moved. Correct it, or leave the row out."),
    Why.HUGE: N_("The quantity %(value)s is larger than %(largest)s. Correct it."),
    Why.SIGN: N_("The quantity %(value)s has the wrong sign for such a row. Correct the sign, or the invoice number."),
    Why.DATE: N_(
        "“%(value)s” is not a date as this mapping reads it, e.g. %(examples)s. Correct it, or add its format to the mapping."
    ),
    Why.FUTURE: N_("The date %(value)s lies in the future. Correct it."),
    Why.TOO_OLD: N_("The date %(value)s is before the year 2000. Correct it."),
    Why.UNKNOWN_ITEM: N_("The exporter has no item “%(value)s”. Create it, or let the import create missing items."),
    Why.NOT_ENOUGH: N_(
        "So many pieces were not free at that time. Receive goods first, or let the import open the missing stock."
    ),
}

WHY_NAMES: Mapping[Why, str] = {
    Why.NOT_GOODS: N_("Not goods"),
    Why.CELLS: N_("Wrong number of cells"),
    Why.QUOTES: N_("Quotation marks do not match"),
    Why.TOO_LONG: N_("Cell too long"),
    Why.NUL: N_("NUL character"),
    Why.REFERENCE: N_("Invoice number missing"),
    Why.ITEM: N_("Not an item code"),
    Why.QUANTITY: N_("Not a quantity"),
    Why.ZERO: N_("Quantity is zero"),
    Why.HUGE: N_("Quantity too large"),
    Why.SIGN: N_("Wrong sign of quantity"),
    Why.DATE: N_("Not a date"),
    Why.FUTURE: N_("Date in the future"),
    Why.TOO_OLD: N_("Date too long ago"),
    Why.UNKNOWN_ITEM: N_("Unknown item"),
    Why.NOT_ENOUGH: N_("Not enough free stock"),
}


_EXAMPLE = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)


def facts_of(why: Why, value: str, mapping: FileMapping, columns: int) -> dict[str, object]:
    """What the sentence of `why` says beside the value."""
    facts: dict[str, object] = {"value": value}
    if why is Why.CELLS:
        facts |= {"wanted": columns, "delimiter": mapping.delimiter}
    elif why is Why.TOO_LONG:
        facts |= {"most": LONGEST_CELL}
    elif why is Why.REFERENCE:
        facts |= {"longest": LONGEST_REFERENCE}
    elif why is Why.HUGE:
        facts |= {"largest": values.LARGEST_QUANTITY}
    elif why is Why.DATE:
        facts |= {"examples": [_EXAMPLE.strftime(pattern) for pattern in mapping.formats]}
    return facts
