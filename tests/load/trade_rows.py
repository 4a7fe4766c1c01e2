"""The rows of the online retail file: what was sold to whom, and which order each cancellation can name."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.load.importing import HEADER

# ISO 3166 codes of the countries that the file names.
COUNTRIES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Channel Islands": "JE",
    "EIRE": "IE",
    "France": "FR",
    "Germany": "DE",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Portugal": "PT",
    "Spain": "ES",
    "Sweden": "SE",
    "United Kingdom": "GB",
}


@dataclass
class Row:
    """A cancellation: pieces of one item that a buyer gives back, and the orders that they come from (none: only paper)."""

    number: int
    invoice: str
    item: str
    pieces: int
    buyer: str
    country: str
    orders: list[tuple[str, int]] = field(default_factory=list)

    @property
    def note(self) -> str:
        """What each line of the return carries, so that it is found again."""
        return f"row {self.number}"


def split(file: Path, sales: Path) -> dict[str, list[Row]]:
    """Write everything but the cancellations into the file `sales`; the cancellations, invoice by invoice, in their order.

    Each names the latest earlier order of the same buyer and item that still has all of its pieces, or several such orders,
    or, when the buyer did not buy so many, the order with the most.
    """
    invoices: dict[str, list[Row]] = {}
    left: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    with sales.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        for number, cells in enumerate(_cells(file), 2):
            invoice, item, _, quantity, _, _, buyer, country = cells
            pieces, bought = int(quantity), left[buyer, item.upper()]
            if invoice.upper().startswith("C"):
                row = Row(number, invoice, item, -pieces, buyer, COUNTRIES[country])
                row.orders = _named(row, bought) if buyer else []
                invoices.setdefault(invoice, []).append(row)
                continue
            writer.writerow(cells)
            if buyer and pieces > 0:
                bought[invoice] += pieces
    return invoices


def _cells(file: Path) -> Iterator[Sequence[str]]:
    with gzip.open(file, "rt", newline="") if file.suffix == ".gz" else file.open(newline="") as opened:
        reader = csv.reader(opened)
        assert next(reader) == HEADER, f"{file} is not the online retail file"
        yield from reader


def _named(row: Row, bought: Counter[str]) -> list[tuple[str, int]]:
    """The orders that a row names with its pieces of each, which are then no more there for other rows."""
    open_orders = [order for order, pieces in reversed(bought.items()) if pieces > 0]
    whole = next((order for order in open_orders if bought[order] >= row.pieces), None)
    if whole:
        bought[whole] -= row.pieces
        return [(whole, row.pieces)]
    if sum(bought[order] for order in open_orders) < row.pieces:
        # More than the buyer bought: whoever books it names the largest order, and is refused.
        return [(max(open_orders, key=bought.__getitem__), row.pieces)] if open_orders else []
    named, wanted = [], row.pieces
    for order in open_orders:
        pieces = min(wanted, bought[order])
        bought[order] -= pieces
        named.append((order, pieces))
        wanted -= pieces
        if not wanted:
            break
    return named
