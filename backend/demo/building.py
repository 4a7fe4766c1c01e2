"""Builds the demo network through the actions that everybody uses, as the people who would do it.

An organisation with all it has is made in one transaction, and everything later carries a request key. What is there
already is passed over, so a build that was interrupted is completed by the next one, for the day on which it began.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby

from backend.access import actions as access_actions
from backend.access import guards
from backend.access import queries as access_queries
from backend.access.rules import Kind, Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.core.errors import NotFound
from backend.demo import cast, stories
from backend.demo import network as network_
from backend.demo.network import Exporter, Network, Organisation, Person, Warehouse
from backend.demo.season import Hold, Reservation, season
from backend.demo.store import Document, Lot
from backend.registry import actions as registry_actions
from backend.registry import queries as registry_queries
from backend.registry.rules import Status
from backend.regulations import actions as regulations_actions
from backend.stock import actions as stock_actions
from backend.stock import listings as stock_listings
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules

PASSWORD = "peony-harbour"
# Short enough for a terminal of 80 columns.
SIGN_INS: tuple[tuple[str, str], ...] = (
    ("Committee administrator", "administrator@luocang.example"),
    ("Committee registrar", "registrar@luocang.example"),
    ("Operator, Hamburg", "operator@luocang.example"),
    ("Operator's clerk, Hamburg", "clerk@nordhub.example"),
    ("Operator, Gulf (Arabic)", "gulf@luocang.example"),
    ("Operator, Laem Chabang", "manager@lanmei.example"),
    ("Exporter, Luoyang", "exporter@luocang.example"),
    ("Exporter's clerk, Luoyang", "clerk@yique.example"),
)
# What a manager signs; the rest is a clerk's.
_MANAGERS = frozenset({"OPENING", "ADJUSTMENT", "SCRAP"})


async def build(advance: Callable[[int, int | None], None]) -> None:
    """Build the demo network, or complete it; nothing when it is complete. `advance` hears of every step."""
    network = network_.read()
    first, *others, last = network.committee.people
    if await guards.viewer_of_person(last.email):
        return
    administrator = await guards.viewer_of_person(first.email) or await access_actions.set_up(
        first.email, first.name, PASSWORD, network.committee.code, network.committee.names
    )
    committee = await access_queries.organisation(administrator, administrator.organisation_id)
    today = committee["created_at"].replace(hour=0, minute=0, second=0, microsecond=0)
    work = _Work(network, today, administrator, advance)
    for person in others:
        await work.person(network.committee, person)
    await asyncio.gather(*map(work.operator, network.operators), *map(work.exporter, network.exporters))
    await asyncio.gather(*map(work.warehouse, network.warehouses))
    await work.stories()
    await work.person(network.committee, last)


class _Work:
    """What there is to do; every method passes over what was done before."""

    def __init__(
        self,
        network: Network,
        today: datetime,
        administrator: Viewer,
        advance: Callable[[int, int | None], None],
    ) -> None:
        self.network = network
        self.today = today
        self.season = season(network, today)
        self.told = stories.read()
        self.administrator = administrator
        self.exporters = {exporter.code: exporter for exporter in network.exporters}
        self._advance = advance
        self._done = 0
        self._all = len(network.warehouses) + len(network.items) + len(self.season.lots)
        self._all += len(self.season.holds) + len(self.season.reservations)
        self._all += sum(map(len, self.season.documents.values())) + self.told.count

    def _step(self) -> None:
        self._done += 1
        self._advance(self._done, self._all)

    # ---- who there is, and what they keep

    async def person(self, organisation: Organisation, person: Person) -> Viewer:
        """Somebody of an organisation."""
        if viewer := await guards.viewer_of_person(person.email):
            return viewer
        await access_actions.create_person(
            self.administrator,
            person.email,
            person.name,
            organisation.language,
            organisation.time_zone,
            organisation.code,
            [person.role],
            PASSWORD,
        )
        return await access_queries.viewer_by_email(person.email, "command")

    async def _organisation(self, organisation: Organisation, kind: Kind) -> Viewer | None:
        """The organisation's manager when both were made now; None when they were there."""
        with suppress(NotFound):
            await registry_queries.organisation_by_code(self.administrator, organisation.code)
            return None
        await access_actions.create_organisation(self.administrator, organisation.code, kind, organisation.names)
        manager, *_ = [await self.person(organisation, person) for person in organisation.people]
        return manager

    async def operator(self, operator: Organisation) -> None:
        """An operator with its people, warehouses and bins."""
        mine = [warehouse for warehouse in self.network.warehouses if warehouse.operator == operator.code]
        async with DB.transaction():
            if manager := await self._organisation(operator, Kind.OPERATOR):
                for warehouse in mine:
                    await self._new_warehouse(manager, warehouse)
        for _ in mine:
            self._step()

    async def _new_warehouse(self, manager: Viewer, warehouse: Warehouse) -> None:
        await registry_actions.create_warehouse(manager, warehouse.given)
        zones = {"pattern": f"{{A..{warehouse.zone_codes[-1]}}}", "kind": "zone"}
        await registry_actions.create_locations(manager, warehouse.code, zones)
        for zone in warehouse.zone_codes:
            bins = {"pattern": warehouse.bin_pattern(zone), "kind": "bin", "parent": zone}
            await registry_actions.create_locations(manager, warehouse.code, bins)
        if warehouse.status != Status.DRAFT:
            await self._become(warehouse.code, Status.LISTED)

    async def exporter(self, exporter: Exporter) -> None:
        """An exporter with its people, items and lots."""
        items = [item for item in self.network.items if item.owner == exporter.code]
        lots = [lot for lot in self.season.lots if lot.owner == exporter.code]
        async with DB.transaction():
            manager = await self._organisation(exporter, Kind.EXPORTER)
            for item in items:
                if manager:
                    await registry_actions.create_item(manager, item.given)
                self._step()
            for lot in lots:
                if manager:
                    await stock_actions.register_lot(
                        manager,
                        owner=lot.owner,
                        item=lot.item,
                        code=lot.code,
                        declaration_no=lot.declaration_no,
                        declaration_line=lot.declaration_line,
                        supervision_code=lot.supervision_code,
                        exported_on=lot.exported_on,
                        expires_on=lot.expires_on,
                    )
                    await self._state(manager, lot)
                self._step()

    async def _state(self, manager: Viewer, lot: Lot) -> None:
        """What an exporter has stated of a declaration line so far; of some lines nothing yet."""
        if lot.declaration_line % 4 == 0:
            return
        given = {"released_on": lot.exported_on - timedelta(days=1), "is_food": "no", "refund_taken": "no"}
        filed_on, settled_on = lot.exported_on + timedelta(days=24), lot.exported_on + timedelta(days=52)
        if settled_on < self.today.date():
            given |= {"filed_on": filed_on, "settled_on": settled_on, "refund_taken": "yes"}
        if lot.declaration_line % 4 != 3:
            given |= {"evidence_on": self.today.date()}
        stated = {name: str(value) for name, value in given.items()}
        await regulations_actions.state_declaration_facts(manager, lot.declaration_no, lot.declaration_line, 0, stated)

    # ---- what happened, and how it stands today

    async def warehouse(self, warehouse: Warehouse) -> None:
        """Everything booked, frozen and promised in a warehouse, and what became of it."""
        documents = self.season.documents[warehouse.code]
        holds = [hold for hold in self.season.holds if hold.warehouse == warehouse.code]
        reservations = [each for each in self.season.reservations if each.warehouse == warehouse.code]
        seen = await registry_queries.warehouse_seen(self.administrator, warehouse.code)
        if seen.status in (Status.SUSPENDED, Status.CLOSED):
            for _ in (*documents, *holds, *reservations):
                self._step()
            return
        operator = self.network.operator_of(warehouse.code)
        manager, clerk = [await self.person(operator, person) for person in operator.people]
        # A week in one transaction: the ledger joins it, and the disk is waited for once.
        for _, week in groupby(documents, lambda document: document.occurred_at.isocalendar()[:2]):
            async with DB.transaction():
                for document in week:
                    viewer = manager if document.reason in _MANAGERS else clerk
                    await self._book(viewer, seen.id, warehouse.code, document)
        for hold in holds:
            await self._hold(manager, hold)
        for reservation in reservations:
            await self._reserve(reservation)
        if warehouse.status in (Status.SUSPENDED, Status.CLOSED):
            await self._become(warehouse.code, warehouse.status, warehouse.status_note)

    async def stories(self) -> None:
        """What came back, was repaired and was served: as of today, because it is not of the past half year."""
        people = await cast.viewers(self.network)
        await stories.tell(cast.Cast(self.network, self.season, people), self.told, self._step)

    async def _become(self, code: str, status: str, note: str = "") -> None:
        """The registrar takes a warehouse to its next status."""
        registrar = await access_queries.viewer_by_email(self.network.committee.people[1].email, "command")
        seen = await registry_queries.warehouse_seen(registrar, code)
        await registry_actions.change_status(registrar, code, seen.revision, {"status": status, "note": note})

    async def _book(self, viewer: Viewer, warehouse_id: int, code: str, document: Document) -> None:
        posted = await stock_actions.post_document(
            viewer,
            code,
            document.reason,
            document.lines,
            request_key=document.key,
            request_hash=values.digest(document),
            occurred_at=document.occurred_at,
            reference=document.reference,
            note=document.note,
        )
        if document.reversal:
            with suppress(stock_rules.AlreadyReversed):
                await stock_actions.reverse(viewer, warehouse_id, posted.document_id, note=document.reversal)
        self._step()

    async def _hold(self, manager: Viewer, hold: Hold) -> None:
        lot, location, condition = hold.pile
        viewer = manager
        if hold.reason == "owner":
            owner = self.exporters[lot.owner]
            viewer = await self.person(owner, owner.people[0])
        filters = {"warehouse": hold.warehouse, "owner": lot.owner, "item": lot.item, "lot": lot.code}
        filters |= {"location": location, "condition": condition}
        clauses = await stock_queries.balance_clauses(viewer, filters)
        row = (await stock_listings.BALANCES.page(clauses, limit=1)).rows[0]
        warehouse_id, owner_id, item_id, lot_id, location_id, condition_id = map(int, row["key"].split("-"))
        placed = await stock_actions.hold(
            viewer,
            (warehouse_id, owner_id, item_id, lot_id, location_id, condition_id),
            quantity=hold.quantity,
            reason=hold.reason,
            note=hold.note,
            request_key=hold.key,
        )
        if hold.release:
            with suppress(stock_rules.AlreadyEnded):
                await stock_actions.release(viewer, warehouse_id, placed, note=hold.release)
        self._step()

    async def _reserve(self, reservation: Reservation) -> None:
        owner = self.exporters[reservation.owner]
        viewer = await self.person(owner, owner.people[-1])
        expires_at = self.today + timedelta(days=reservation.days)
        # One that is over before a late completion was never made.
        if expires_at > clock.now():
            made = await stock_actions.reserve(
                viewer,
                warehouse=reservation.warehouse,
                owner=reservation.owner,
                item=reservation.item,
                lot=None,
                location=None,
                condition="GOOD",
                quantity=reservation.quantity,
                source=reservation.source,
                expires_at=expires_at,
                request_key=reservation.key,
            )
            if reservation.cancelled:
                with suppress(stock_rules.AlreadyEnded):
                    await stock_actions.cancel_reservation(viewer, made.id)
        self._step()
