"""What is wrong with a JSON body: every field by its path, in our words."""

import uuid
from datetime import date, datetime
from decimal import Decimal

import msgspec
import pytest

from backend.core import shapes


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A line of a body."""

    pieces: int
    price: Decimal | None = None


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A body."""

    name: str
    lines: list[Line] = []


class Kinds(msgspec.Struct):
    """One field of each kind."""

    text: str = ""
    whole: int = 0
    quantity: int = 0
    yes: bool = False
    price: Decimal = Decimal(0)
    at: datetime | None = None
    day: date | None = None
    id: uuid.UUID | None = None
    answers: dict[str, str] = {}


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("text", "not a text"),
        ("whole", "not a whole number"),
        ("quantity", "not a quantity"),
        ("yes", "neither true nor false"),
        ("price", "not a number"),
        ("at", "not an instant"),
        ("day", "not a day"),
        ("id", "not an id"),
        ("answers", "an object"),
    ],
)
def test_each_kind_says_what_it_takes(field: str, said: str) -> None:
    (fault,) = shapes.faults_of(msgspec.json.encode({field: [1]}), Kinds)
    assert (fault.field, said in fault.sentence, "detail" in fault.facts) == (field, True, False)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", ["body"]),
        (b"[1", ["body"]),
        (b"\xff", ["body"]),
        (b"[" * 100_000, ["body"]),
        (b"null", ["body"]),
        (b"{}", ["name"]),
        (b'{"name": 1, "lines": {}}', ["name", "lines"]),
        (b'{"name": "a", "colour": 1}', ["colour"]),
        (b'{"name": "a", "lines": [{"pieces": "x"}, null]}', ["lines.0.pieces", "lines.1"]),
        (b'{"name": "a", "lines": [{"pieces": 1e400}]}', ["lines.0.pieces"]),
        (b'{"name": NaN, "lines": [{"pieces": 1, "price": -1e999}]}', ["name", "lines.0.price"]),
        (b'{"name": "a", "lines": [{"pieces": 1.5, "price": Infinity}]}', ["lines.0.pieces", "lines.0.price"]),
    ],
)
def test_every_fault_names_its_field(body: bytes, fields: list[str]) -> None:
    faults = shapes.faults_of(body, Body)
    assert [fault.field for fault in faults] == fields
    assert all(fault.sentence % fault.facts for fault in faults)
