"""A warehouse with an exporter's goods of known declaration lines, for tests of what goes home."""

import itertools
import uuid
from datetime import date, timedelta

import msgspec

from backend.access.rules import Viewer
from backend.core import values
from backend.registry.rules import Item, Warehouse
from backend.regulations import actions as law_actions
from backend.regulations import queries as law
from backend.returns import batches, home, sending
from backend.returns.home import StockLine
from backend.returns.home_rules import Packed
from backend.stock import actions as stock_actions
from tests import build

_numbers = itertools.count(1)
AREA = "4604"
# What an exporter states of a line so that the law can be sure.
SURE = {"refund_taken": "no", "is_food": "no"}


class World(msgspec.Struct):
    """An operator's warehouse, an exporter with an item in bin `bin`, and a lot of every declaration line asked for."""

    operator: Viewer
    exporter: Viewer
    place: Warehouse
    item: Item
    bin: str

    async def lot(
        self,
        quantity: int,
        *,
        exported: date | None = None,
        days_ago: int = 20,
        stated: dict[str, str] | None = None,
        supervision_code: str = "9810",
        condition: str = "GOOD",
        area: str = AREA,
        item: Item | None = None,
    ) -> str:
        """Pieces of a fresh lot on the shelf, exported under a declaration line of its own; the lot's code."""
        number = next(_numbers)
        code, declaration, goods = f"LOT-{number}", declaration_no(number, area), item or self.item
        exported_on = exported or law.today() - timedelta(days=days_ago)
        await stock_actions.register_lot(
            self.exporter,
            owner=goods.owner_code,
            item=goods.code,
            code=code,
            declaration_no=declaration,
            declaration_line=1,
            supervision_code=supervision_code,
            exported_on=exported_on,
        )
        facts = {"released_on": exported_on.isoformat(), **(SURE if stated is None else stated)}
        await law_actions.state_declaration_facts(self.exporter, declaration, 1, 0, facts)
        await build.stocked(self.operator, self.place, goods, self.bin, quantity, lot=code, condition=condition)
        return code

    def line(self, lot: str, quantity: int, *, condition: str = "GOOD") -> StockLine:
        """Pieces of a lot as a batch takes them."""
        return StockLine(item=self.item.code, lot=lot, location=self.bin, quantity=quantity, condition=condition)


def declaration_no(number: int, area: str = AREA) -> str:
    """A declaration number of 18 digits that begins with the customs district."""
    return f"{area}20260{number:09d}"


async def world() -> World:
    """A fresh one."""
    operator, exporter = await build.operator(), await build.exporter()
    place = await build.warehouse(operator)
    operator = await build.again(operator)
    (bin_,) = await build.bins(operator, place, 1)
    return World(operator, exporter, place, await build.item(exporter), bin_)


def key() -> str:
    """A fresh request key."""
    return str(values.new_id())


def plan(*, days: int = 30, cause: str = "unsold", home_area: str = AREA, statement: str = "") -> dict[str, str]:
    """A plan as typed: home in so many days."""
    day = (law.today() + timedelta(days=days)).isoformat()
    return {"cause": cause, "home_area": home_area, "planned_on": day, "statement": statement}


async def opened(there: World, **asked: object) -> uuid.UUID:
    """A fresh batch of the exporter's."""
    given = plan(**asked)  # type: ignore[arg-type]
    made = await home.open_batch(there.exporter, there.place.code, given, request_key=key())
    return made.id


async def filled(there: World, *lines: StockLine, **asked: object) -> uuid.UUID:
    """A batch with these lines."""
    batch = await opened(there, **asked)
    await home.add(there.exporter, batch, stock=lines, request_key=key())
    return batch


async def ready(there: World, *lines: StockLine) -> uuid.UUID:
    """A batch that waits to be packed."""
    batch = await filled(there, *lines)
    await home.make_ready(there.exporter, batch, request_key=key())
    return batch


async def packed(there: World, *lines: StockLine) -> uuid.UUID:
    """A batch that is packed as planned."""
    batch = await ready(there, *lines)
    await pack_all(there, batch)
    return batch


async def pack_all(there: World, batch: uuid.UUID) -> None:
    """Pack every line as planned."""
    lines = await batches.lines(await batches.batch(there.operator, batch))
    given = [Packed(line_no=row["line_no"], quantity=row["quantity"]) for row in lines if row["live"]]
    await sending.pack(there.operator, batch, given, request_key=key())


async def sent(there: World, *lines: StockLine) -> uuid.UUID:
    """A batch on its way home."""
    batch = await packed(there, *lines)
    await sending.dispatch(there.operator, batch, request_key=key())
    return batch
