"""What happens to work orders: opened from a return or from stock, taken in, cancelled, assigned, diagnosed; warranty terms.

Quotes are in `quoting`, parts, labour and tests in `bench`, the ends in `ending`.
"""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

import asyncpg

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, journal, values
from backend.core.database import DB
from backend.core.errors import Conflict, Fault, Invalid
from backend.core.text import N_
from backend.messages import actions as messages
from backend.repairs import ending, faultbook, orders, rules, warranties
from backend.repairs.orders import SQL, Done, Row
from backend.repairs.rules import Origin, Stage
from backend.repairs.warranties import LONGEST_WARRANTY, Warranty
from backend.stages import actions as stages
from backend.stock import ledger
from backend.stock import queries as stock_queries
from backend.stock import rules as stock_rules
from backend.stock.queries import BalanceAt
from backend.stock.rules import Condition, Posting, Reason

_NOT_SOLD = N_("This warehouse sold no such item under “%(value)s”. Check the order number, or give the date.")
_FAULT_NEEDED = N_("Say what is wrong with the unit, as it was reported.")
_REQUESTED = N_("%(name)s asks for the repair of %(item)s: work order %(number)s.")


# --------------------------------------------------------------------------------------------------------- opening


async def open_order(
    viewer: Viewer,
    *,
    warehouse_id: int,
    owner_id: int,
    item_id: int,
    lot_id: int,
    condition: int,
    serial: str | None,
    unit_code: str,
    return_unit_id: uuid.UUID,
    fault: str,
    request_key: str,
    at: datetime,
    reference: str = "",
    sold_at: datetime | None = None,
) -> uuid.UUID:
    """Open the repair of a returned unit that the caller has moved to the workshop, inside its transaction; the order's id.

    `condition` is what the ledger has it in there (quarantine or damaged), `unit_code` the label of its package, `reference`
    the return, `sold_at` the sale it came from: its owner's months of warranty run from that day, unless one is kept for the
    serial already. The caller has checked that the viewer may. Refuses a unit in repair (`AlreadyInRepair`).
    """
    opening = _Opening(viewer, warehouse_id, owner_id, item_id, lot_id, at)
    given = [owner_id, item_id, lot_id, condition, serial, unit_code, return_unit_id, fault]
    async with DB.transaction():
        if before := await opening.claim("open", request_key, given):
            return before
        await opening.look(serial, return_unit_id=return_unit_id)
        said = rules.text_of("fault", fault, opening.faults, most=rules.LONGEST_TEXT, needed=_FAULT_NEEDED)
        if condition not in rules.WORKSHOP_CONDITIONS:
            opening.faults.append(
                Fault("condition", condition, N_("In the workshop a unit is in quarantine or damaged."))
            )
        await opening.warrant(None, None, sold_at)
        workshop = opening.ground["workshop_id"]
        await opening.insert(
            Origin.RETURN,
            Stage.DIAGNOSING,
            said,
            (workshop, condition),
            (workshop, condition),
            reference=reference,
            unit_code=unit_code,
            return_unit_id=return_unit_id,
        )
    return opening.id


async def open_from_stock(
    viewer: Viewer,
    key: BalanceAt,
    *,
    serial: str | None,
    fault: str,
    request_key: str,
    warranty_from: date | None = None,
    warranty_months: int | None = None,
    sale_reference: str = "",
) -> Done:
    """Open the repair of one unit that lies in stock: the operator moves it to the workshop now, its owner asks for that.

    In the workshop it is in quarantine, or damaged if it is so already. Warranty: its first day and months, or the order
    number under which this warehouse sold it. Refuses more than is free (`NotEnoughFree`) and a unit in repair.
    """
    balance = await stock_queries.balance(viewer, key)
    runs = access_rules.runs_warehouse(viewer, key[0])
    access_rules.require(viewer, Right.DO_REPAIRS if runs else Right.DECIDE_REPAIRS)
    if not runs and not access_rules.owns(viewer, key[1]):
        raise rules.NotYourUnit
    warehouse_id, owner_id, item_id, lot_id, location_id, condition = key
    at = clock.now()
    opening = _Opening(viewer, warehouse_id, owner_id, item_id, lot_id, at)
    given = [key, serial, fault, warranty_from, warranty_months, sale_reference]
    async with DB.transaction():
        if before := await opening.claim("open", request_key, given):
            return Done(before, True)
        await opening.look(serial, sale_reference=sale_reference)
        if opening.ground["status"] == "closed":
            raise stock_rules.WarehouseClosed(warehouse=opening.ground["warehouse"])
        said = rules.text_of("fault", fault, opening.faults, most=rules.LONGEST_TEXT, needed=_FAULT_NEEDED)
        if balance["free"] < 1:
            opening.faults.append(_none_free(balance))
        sold_at = opening.ground["sold_at"]
        if sale_reference and sold_at is None:
            facts = {"value": sale_reference}
            opening.faults.append(Fault("sale_reference", sale_reference, _NOT_SOLD, facts))
        await opening.warrant(warranty_from, warranty_months, sold_at)
        if opening.faults:
            raise Invalid(opening.faults)
        now_at, document_id = (location_id, condition), None
        if runs:
            now_at, document_id = await _bring_in(viewer, opening.order, key, opening.ground["workshop_id"])
        await opening.insert(
            Origin.STOCK,
            Stage.DIAGNOSING if runs else Stage.REQUESTED,
            said,
            now_at,
            (location_id, condition),
            reference=sale_reference,
            document_id=document_id,
        )
        if not runs:
            told = orders.news(opening.order, opening.ground["operator_id"], _REQUESTED, name=viewer.name)
            await messages.notify_all([told])
    return Done(opening.id, False)


async def take_in(viewer: Viewer, order_id: uuid.UUID, *, request_key: str) -> Done:
    """Bring a unit whose repair its owner asked for from its place to the workshop."""
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        if await orders.claim(viewer, order["warehouse_id"], order_id, "take_in", request_key, [order_id], order_id):
            return Done(order_id, True)
        rules.require_stage(order, Stage.REQUESTED)
        at = clock.now()
        key = (*(order[name] for name in ("warehouse_id", "owner_id", "item_id", "lot_id")), *orders.lies(order))
        workshop = await DB.row(SQL["place"], order["warehouse_id"], "WORKSHOP")
        assert workshop is not None, "every warehouse has a workshop"
        (location_id, condition), document_id = await _bring_in(viewer, order, key, workshop["id"])
        await DB.run(SQL["take_in"], order["warehouse_id"], order_id, location_id, condition, at, document_id)
        await stages.enter(orders.entry(order, Stage.DIAGNOSING, at))
        await orders.note(viewer, order, "taken_in", {"document": str(document_id) if document_id else None})
    return Done(order_id, False)


async def cancel(viewer: Viewer, order_id: uuid.UUID, *, note: str, request_key: str) -> Done:
    """Take a request for a repair back before the unit has moved: its owner, or the operator who cannot do it."""
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        if access_rules.runs_warehouse(viewer, order["warehouse_id"]):
            access_rules.require(viewer, Right.DO_REPAIRS)
        else:
            orders.require_owner(viewer, order)
        asked = [order_id, note]
        if await orders.claim(viewer, order["warehouse_id"], order_id, "cancel", request_key, asked, order_id):
            return Done(order_id, True)
        rules.require_stage(order, Stage.REQUESTED)
        faults: list[Fault] = []
        said = rules.text_of("note", note, faults, needed=N_("Say why the repair is not wanted any more."))
        if faults:
            raise Invalid(faults)
        await ending.end(viewer, order, Stage.CANCELLED, orders.lies(order), said, None, clock.now())
    return Done(order_id, False)


class _Opening:
    """One work order as it is opened: what it stands on, what is wrong with it, what it becomes."""

    def __init__(
        self, viewer: Viewer, warehouse_id: int, owner_id: int, item_id: int, lot_id: int, at: datetime
    ) -> None:
        self.viewer, self.at = viewer, at
        self.warehouse_id, self.owner_id, self.item_id, self.lot_id = warehouse_id, owner_id, item_id, lot_id
        self.id, self.number = values.new_id(), values.new_number("W")
        self.faults: list[Fault] = []
        self.serial: str | None = None
        self.warranty: Warranty | None = None
        self.ground: Row = {}

    @property
    def order(self) -> Row:
        """The order as far as others need to know it."""
        return {
            "id": self.id,
            "number": self.number,
            "warehouse_id": self.warehouse_id,
            "owner_id": self.owner_id,
            "item": self.ground["item"],
        }

    async def claim(self, deed: str, key: str, asked: object) -> uuid.UUID | None:
        return await orders.claim(self.viewer, self.warehouse_id, self.id, deed, key, asked, self.id)

    async def look(
        self, serial: str | None, *, return_unit_id: uuid.UUID | None = None, sale_reference: str = ""
    ) -> None:
        """Read what the order stands on; refuses what does not belong together, and a unit that is in repair."""
        self.serial = rules.serial_of(serial, self.faults)
        names = (self.warehouse_id, self.owner_id, self.item_id, self.lot_id)
        ground = await DB.row(SQL["ground"], *names, self.serial, return_unit_id, sale_reference)
        if ground is None:
            raise ledger.Unfit
        if ground["live"] is not None:
            raise rules.AlreadyInRepair(number=ground["live"])
        self.ground = ground

    async def warrant(self, runs_from: date | None, months: int | None, sold_at: datetime | None) -> None:
        """Find the unit's warranty: kept for its serial, given, or from its sale; and keep it for the serial."""
        zone = self.ground["time_zone"]
        before = len(self.faults)
        self.faults += warranties.warranty_faults(runs_from, months, clock.business_day(self.at, zone))
        if self.ground["runs_from"] is not None:
            kept = Warranty(*(self.ground[name] for name in ("runs_from", "months", "ends_on", "source")))
            if runs_from is not None and (runs_from, months) != (kept.runs_from, kept.months):
                self.faults.append(warranties.kept_warranty_fault(self.serial or "", kept))
            self.warranty = kept
            return
        if len(self.faults) > before:
            return
        if runs_from is not None and months is not None:
            self.warranty = warranties.warranty(runs_from, months, "given")
        elif sold_at is not None and self.ground["terms"]:
            self.warranty = warranties.warranty(clock.business_day(sold_at, zone), self.ground["terms"], "sale")
        if self.warranty and self.serial and not self.faults:
            w, by = self.warranty, self.viewer
            terms = (w.runs_from, w.months, w.ends_on, w.source, by.organisation_id, by.user_id)
            await DB.run(SQL["keep_warranty"], self.owner_id, self.item_id, self.serial, *terms)

    async def insert(
        self,
        origin: Origin,
        stage: Stage,
        fault: str,
        now_at: tuple[int, int],
        came_from: tuple[int, int],
        *,
        reference: str,
        unit_code: str | None = None,
        return_unit_id: uuid.UUID | None = None,
        document_id: uuid.UUID | None = None,
    ) -> None:
        """Write the order down, let it enter its first stage; refuses every fault that was found."""
        reference = rules.text_of("reference", reference, self.faults, most=rules.LONGEST_SERIAL)
        if self.faults:
            raise Invalid(self.faults)
        w = self.warranty
        warranty = (w.runs_from, w.months, w.ends_on, w.source) if w else (None, None, None, "none")
        item_class = faultbook.book().class_of(self.ground["hs_code"])
        try:
            async with DB.transaction():
                await DB.run(
                    SQL["open"],
                    *(self.warehouse_id, self.id, self.number, self.owner_id, self.item_id, self.lot_id, self.serial),
                    *(origin, return_unit_id, unit_code, reference, item_class, fault, *warranty),
                    *(
                        stage,
                        *now_at,
                        *came_from,
                        self.viewer.organisation_id,
                        self.viewer.user_id,
                        self.viewer.channel,
                    ),
                    *(self.at, self.at if stage is Stage.DIAGNOSING else None, document_id),
                )
        except asyncpg.UniqueViolationError as error:
            raise rules.AlreadyInRepair(number=self.serial or unit_code or "") from error
        await stages.enter(orders.entry(self.order, stage, self.at))
        after = {"number": self.number, "origin": origin, "serial": self.serial, "fault": fault}
        await orders.note(self.viewer, self.order, "opened", after)


def _none_free(balance: Row) -> Fault:
    facts = {"free": balance["free"], "item": balance["item"], "location": balance["location"], "wanted": 1}
    return Fault("location", balance["location"], stock_rules.NotEnoughFree.line, facts)


async def _bring_in(
    viewer: Viewer, order: Row, key: BalanceAt, workshop_id: int
) -> tuple[tuple[int, int], uuid.UUID | None]:
    """Move one unit to the workshop in a condition that cannot be sold; where it is now, and the document."""
    warehouse_id, owner_id, item_id, lot_id, location_id, condition = key
    target = condition if condition in rules.WORKSHOP_CONDITIONS else int(Condition.QUARANTINE)
    if (location_id, condition) == (workshop_id, target):
        return (workshop_id, target), None
    posted = await ledger.post(
        ledger.actor_of(viewer),
        warehouse_id,
        Reason.MOVE,
        [Posting(owner_id, item_id, lot_id, location_id, workshop_id, condition, target, 1)],
        request_key=f"repair:{order['id']}:in",
        request_hash=order["id"].bytes,
        reference=order["number"],
    )
    return (workshop_id, target), posted.document_id


# -------------------------------------------------------------------------------------------- people and diagnosis


async def assign(viewer: Viewer, order_id: uuid.UUID, *, technician_id: int | None, revision: int) -> None:
    """Give a work order to a technician of the operator, or back to the queue; refuses what changed meanwhile."""
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        rules.require_stage(order, Stage.REQUESTED, *rules.IN_WORKSHOP)
        if technician_id is not None and not (
            0 < technician_id <= access_rules.LARGEST_ID
            and await DB.value(SQL["is_technician"], viewer.organisation_id, technician_id)
        ):
            raise Invalid([Fault("technician", technician_id, N_("Choose a person of your organisation, or nobody."))])
        if revision != order["revision"]:
            raise Conflict
        if await DB.value(SQL["assign"], order["warehouse_id"], order_id, technician_id, revision) is None:
            raise Conflict
        await orders.note(viewer, order, "assigned", {"technician": technician_id})


async def diagnose(
    viewer: Viewer, order_id: uuid.UUID, *, codes: Sequence[str], repairable: bool, note: str, request_key: str
) -> Done:
    """Write down what a technician found, by fault codes of the item's class; the last diagnosis counts.

    Decides here whether the warranty covers the repair: the order was opened by its last day and no fault was caused by
    the unit's user.
    """
    codes = list(dict.fromkeys(values.code_of(code) for code in codes))
    async with DB.transaction():
        order = await orders.locked(viewer, order_id)
        orders.require_bench(viewer, order)
        made, warehouse_id = values.new_id(), order["warehouse_id"]
        asked = [order_id, codes, repairable, note]
        if before := await orders.claim(viewer, warehouse_id, order_id, "diagnose", request_key, asked, made):
            return Done(before, True)
        rules.require_stage(order, Stage.DIAGNOSING, Stage.REPAIRING)
        item_class = order["item_class"]
        faults = rules.code_faults(item_class, codes)
        said = rules.text_of("note", note, faults, most=rules.LONGEST_TEXT)
        if faults:
            raise Invalid(faults)
        at = clock.now()
        opened_on = clock.business_day(order["opened_at"], order["time_zone"])
        covered = warranties.is_covered(order["warranty_until"], opened_on, codes)
        edition = faultbook.book().edition
        found = (item_class, edition, codes, repairable, covered, said, viewer.user_id, at)
        await DB.run(SQL["diagnose"], warehouse_id, made, order_id, *found)
        await DB.run(SQL["diagnosed"], warehouse_id, order_id, codes, covered, viewer.user_id)
        await orders.note(viewer, order, "diagnosed", {"codes": codes, "repairable": repairable, "covered": covered})
    return Done(made, False)


# ----------------------------------------------------------------------------------------------------- warranty terms


async def set_warranty(viewer: Viewer, *, item_id: int | None, months: int) -> uuid.UUID:
    """Say how many months the viewer's organisation warrants an item (or, without one, all its items) from a sale on.

    Warranties that are kept already stay as they are.
    """
    access_rules.require(viewer, Right.DECIDE_REPAIRS)
    if not 0 <= months <= LONGEST_WARRANTY:
        raise Invalid(
            [
                Fault(
                    "months",
                    months,
                    N_("“%(value)s” months are not possible. Give 0 (no warranty) to %(most)s."),
                    {"value": months, "most": LONGEST_WARRANTY},
                )
            ]
        )
    async with DB.transaction():
        made: uuid.UUID | None = await DB.value(
            SQL["terms"], viewer.organisation_id, values.new_id(), item_id, months, viewer.user_id
        )
        if made is None:
            raise rules.NotYourUnit
        await journal.write(viewer, "warranty.set", "item", item_id or "all", after={"months": months})
    return made
