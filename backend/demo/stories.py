"""What is told of the demo network besides its trade: desks, prices and terms; returns, repairs, services; what they lead to."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec

from backend.charges import actions as charges
from backend.charges.rules import Activity
from backend.core import clock
from backend.core.database import DB
from backend.core.errors import Conflict
from backend.demo import mending, returning, serving, slow_stock
from backend.demo.cast import Cast
from backend.repairs import actions as repairs
from backend.repairs import failures, quoting
from backend.returns import desks, dispositions, terms, warnings
from backend.stages import actions as stages
from backend.stock.actions import LotExists
from backend.value_added import quoting as service_quoting

HERE = Path(__file__).parent
# How many days ago it was looked at what the clock had brought.
_NIGHTS = (45, 24, 12, 6, 3, 1, 0)


class Equipment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A warehouse's returns desk, and what it asks for each step in its currency (amounts by activity)."""

    warehouse: str
    kinds: list[str]
    capabilities: list[str]
    countries: list[str] = []
    daily_units: int
    currency: str
    prices: dict[str, str]


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an exporter has agreed for undecided goods, and the months for which it warrants all its items."""

    owner: str
    decide_days: int
    defaults: dict[str, str] = {}
    warranty_months: int = 0


class Ground(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the stories stand on."""

    desks: list[Equipment]
    terms: list[Terms]
    slow: list[slow_stock.Consignment]


class Repairs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every story of repairs of units from stock."""

    orders: list[mending.Order]


class Stories(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is told."""

    ground: Ground
    returns: returning.Returns
    repairs: Repairs
    services: serving.Services

    @property
    def count(self) -> int:
        """How many steps telling them takes."""
        return (
            len(self.ground.desks)
            + len(self.ground.terms)
            + len(self.ground.slow)
            + len(self.returns.returns)
            + len(self.returns.lonely)
            + len(self.repairs.orders)
            + len(self.services.kits)
            + len(self.services.jobs)
        )


def read() -> Stories:
    """The stories as they are written down."""
    return Stories(
        ground=msgspec.toml.decode((HERE / "stories.toml").read_bytes(), type=Ground),
        returns=msgspec.toml.decode((HERE / "returns.toml").read_bytes(), type=returning.Returns),
        repairs=msgspec.toml.decode((HERE / "repairs.toml").read_bytes(), type=Repairs),
        services=msgspec.toml.decode((HERE / "services.toml").read_bytes(), type=serving.Services),
    )


async def tell(cast: Cast, stories: Stories, step: Callable[[], None]) -> None:
    """Tell what was not told before: the stories of each warehouse in their order, warehouses beside each other."""
    for exporter in stories.ground.terms:
        await _agree(cast, exporter)
        step()
    for kit in stories.services.kits:
        await serving.design(cast, kit)
        step()
    await asyncio.gather(*(_told_in(cast, stories, desk, step) for desk in stories.ground.desks))
    await _let_time_pass(cast)


async def _let_time_pass(cast: Cast) -> None:
    """What the clock has brought since: quotes that were not answered, agreed defaults, warnings, each in some night."""
    for days in _NIGHTS:
        night = cast.now - timedelta(days=days)
        with clock.at(night):
            await quoting.expire_quotes(night)
            await service_quoting.expire_quotes(night)
            await dispositions.apply_due_defaults(night)
            await warnings.warn_of_clocks(night)
            await stages.warn_of_overdue()
            await failures.tell_owners(night)


async def _told_in(cast: Cast, stories: Stories, desk: Equipment, step: Callable[[], None]) -> None:
    """Everything that is told of a warehouse."""
    here = desk.warehouse
    acts: list[Callable[[], Awaitable[None]]] = [partial(_equip, cast, desk, stories.services)]
    acts += [partial(_come_in, cast, each) for each in stories.ground.slow if each.warehouse == here]
    acts += [partial(returning.tell, cast, each) for each in stories.returns.returns if each.warehouse == here]
    acts += [partial(returning.put_aside, cast, each) for each in stories.returns.lonely if each.warehouse == here]
    acts += [partial(mending.tell, cast, each) for each in stories.repairs.orders if each.warehouse == here]
    acts += [partial(serving.tell, cast, each) for each in stories.services.jobs if each.warehouse == here]
    for act in acts:
        await act()
        step()


async def _equip(cast: Cast, equipment: Equipment, services: serving.Services) -> None:
    manager = cast.manager(cast.operator(equipment.warehouse))
    desk = desks.Desk(
        kinds=equipment.kinds,
        capabilities=equipment.capabilities,
        countries=equipment.countries,
        daily_units=equipment.daily_units,
    )
    # Kept for the first time: a desk that is there has its prices and offers too.
    with suppress(Conflict):
        async with DB.transaction():
            await desks.keep_desk(manager, equipment.warehouse, desk)
            for activity, amount in _known(equipment.prices).items():
                asked = {"activity": activity, "amount": amount, "currency": equipment.currency}
                asked |= {"warehouse": equipment.warehouse, "valid_from": str(cast.day(-200))}
                await charges.set_price(manager, asked)
            await serving.put_on_offer(cast, services.offers, equipment.warehouse, equipment.currency)


async def _come_in(cast: Cast, consignment: slow_stock.Consignment) -> None:
    with suppress(LotExists):
        await slow_stock.arrive(cast, consignment)


def _known(prices: Mapping[str, str]) -> dict[str, str]:
    return {Activity(activity).value: amount for activity, amount in prices.items()}


async def _agree(cast: Cast, exporter: Terms) -> None:
    manager = cast.manager(exporter.owner)
    async with DB.transaction():
        if await terms.current(manager.organisation_id) is None:
            await terms.agree(manager, str(exporter.decide_days), exporter.defaults)
            if exporter.warranty_months:
                await repairs.set_warranty(manager, item_id=None, months=exporter.warranty_months)
