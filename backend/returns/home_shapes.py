"""The shapes of batches home for machines: a contract that is added to, never changed."""

import uuid
from datetime import date, datetime
from typing import Any

import msgspec

from backend.returns.home import StockLine
from backend.returns.home_rules import Packed


class NewBatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A batch to be opened: why (unsold, return), the customs district at home (four digits), the day of arrival."""

    warehouse: str
    cause: str
    home_area: str
    planned_on: str
    statement: str = ""


class NewPlan(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Another plan for an open batch; `taxed_agreed`: the owner pays duty and tax where they fall due by it."""

    home_area: str
    planned_on: str
    statement: str = ""
    taxed_agreed: bool = False
    revision: int | None = None


class MoreGoods(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Goods for an open batch: codes of units that are decided to go home, and free pieces from the shelf."""

    units: list[str] = []
    stock: list[StockLine] = []
    taxed_agreed: bool = False
    revision: int | None = None


class Removed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Lines to be taken out of an open batch."""

    lines: list[int]
    revision: int | None = None


class Why(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a step is taken; needed where something is undone, sent back or cancelled."""

    note: str = ""
    revision: int | None = None


class PackedLines(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What was put in of every line; `location` where the goods lay elsewhere than planned."""

    lines: list[Packed]
    revision: int | None = None


class Leaving(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A packed batch leaves, now or at `occurred_at`."""

    carrier: str = ""
    transport_no: str = ""
    occurred_at: datetime | None = None
    revision: int | None = None


class ArrivedLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What arrived of one line."""

    line_no: int
    quantity: int


class Arrival(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What arrived of every line that was sent, and under which return declaration."""

    lines: list[ArrivedLine]
    return_declaration_no: str = ""
    occurred_at: datetime | None = None
    revision: int | None = None


class Line(msgspec.Struct, kw_only=True):
    """Goods of a batch, with what the rules said of them when they were last judged."""

    line_no: int
    item: str
    quantity: int
    packed: int | None
    arrived: int
    live: bool
    condition: str
    eligibility: dict[str, Any]
    taxed_agreed: bool
    lot: str | None = None
    location: str | None = None
    unit: str | None = None
    declaration_no: str | None = None
    declaration_line: int | None = None


class HomeBatch(msgspec.Struct, kw_only=True):
    """A batch with its lines; `in_transit` is what was sent and has not arrived."""

    id: uuid.UUID
    number: str
    warehouse: str
    owner: str
    stage: str
    cause: str
    home_area: str
    planned_on: date
    statement: str
    carrier: str
    transport_no: str
    return_declaration_no: str
    revision: int
    in_transit: int
    dispatch_document: uuid.UUID | None
    arrival_document: uuid.UUID | None
    created_at: datetime
    sent_at: datetime | None
    arrived_at: datetime | None
    lines: list[Line]
