"""What tests of returns begin with: a warehouse with a returns desk, and an exporter who sells from it."""

import itertools
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from backend.access.rules import Viewer
from backend.registry.rules import Item, Warehouse
from tests import build

_orders = itertools.count(1)


@dataclass
class Trade:
    """A warehouse with a returns desk and its operator, and an exporter who sells from it."""

    operator: Viewer
    exporter: Viewer
    place: Warehouse
    bin: str

    async def sale(self, quantity: int, goods: Item | None = None) -> tuple[Item, str, uuid.UUID]:
        """Pieces of an item that were shipped: the item, the order number, the document."""
        goods = goods or await build.item(self.exporter)
        order = f"ORDER-{next(_orders)}"
        await build.stocked(self.operator, self.place, goods, self.bin, quantity)
        document = await build.sold(self.operator, self.place, goods, self.bin, quantity, reference=order)
        return goods, order, document


@pytest_asyncio.fixture(scope="module")
async def trade(database: str) -> AsyncIterator[Trade]:
    """One for each module."""
    operator = await build.operator()
    place = await build.warehouse(operator)
    operator = await build.again(operator)
    await build.desk(operator, place)
    (bin_,) = await build.bins(operator, place, 1)
    yield Trade(operator, await build.exporter(), place, bin_)
