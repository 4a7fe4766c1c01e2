"""Small trade files for tests."""

import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

HEADER = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
Row = Sequence[str]


def row(
    invoice: str = "536365",
    item: str = "85123A",
    quantity: int | str = 6,
    at: str = "2010-12-01 08:26:00",
    description: str = "WHITE HANGING HEART",
    price: str = "2.55",
) -> Row:
    """A row of the retailer's export."""
    return (invoice, item, description, str(quantity), at, price, "17850.0", "United Kingdom")


def text(rows: Iterable[Row], header: Row = HEADER, delimiter: str = ",") -> str:
    """A file with these rows, written as they are."""
    return "".join(delimiter.join(each) + "\n" for each in (header, *rows))


def write(path: Path, rows: Iterable[Row], *, encoding: str = "utf-8", packed: bool = False) -> Path:
    """Write a file with these rows."""
    content = text(rows).encode(encoding)
    path.write_bytes(gzip.compress(content) if packed else content)
    return path
