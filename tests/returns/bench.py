"""A returns desk as the tests of handling need it: an operator with two people, an exporter, pieces that were shipped."""

import itertools
from collections.abc import Sequence
from typing import Any

from backend.access import actions as access_actions
from backend.access import guards
from backend.access.rules import Role, Viewer
from backend.core import values
from backend.core.database import DB
from backend.registry.rules import Item, Warehouse
from backend.returns import carrying_out, checklists, dispositions, grading, receiving
from backend.returns.actions import Booked
from backend.returns.booking import Line
from backend.returns.carrying_out import Deed
from backend.returns.grading import Look
from tests import build

_numbers = itertools.count(1)


def key() -> str:
    """A new request key."""
    return str(values.new_id())


class Bench:
    """An operator's warehouse with a desk and bins, and an exporter whose goods were shipped from it."""

    operator: Viewer
    colleague: Viewer
    exporter: Viewer
    warehouse: Warehouse
    bins: list[str]
    item: Item

    @classmethod
    async def make(cls, **item: str) -> "Bench":
        """A fresh one."""
        made = cls()
        operator, made.exporter = await build.operator(), await build.exporter()
        made.warehouse = await build.warehouse(operator)
        made.operator = await build.again(operator)
        await build.desk(made.operator, made.warehouse)
        made.colleague = await colleague(made.operator)
        made.bins = await build.bins(made.operator, made.warehouse, 3)
        made.item = await build.item(made.exporter, **item)
        return made

    @property
    def place(self) -> str:
        """The warehouse's code."""
        return self.warehouse.code

    async def booked(self, quantity: int = 1, *, serials: Sequence[str] = (), **other: Any) -> Booked:
        """A return of pieces that were shipped for it."""
        order = f"ORDER-{next(_numbers)}"
        await build.stocked(self.operator, self.warehouse, self.item, self.bins[0], quantity)
        await build.sold(self.operator, self.warehouse, self.item, self.bins[0], quantity, reference=order)
        line = Line(item=self.item.code, quantity=quantity, order=order, serials=list(serials))
        return await build.returned(self.exporter, self.warehouse, line, **other)

    async def received(self, quantity: int = 1, **other: Any) -> list[str]:
        """Units of a fresh return that is received whole."""
        booked = await self.booked(quantity, **other)
        done = await receiving.receive_all(self.operator, self.place, booked.number, request_key=key())
        return done.units

    async def look(self, units: Sequence[str], grade: str = "A", by: Viewer | None = None, **other: Any) -> Look:
        """A look at units that fits the grade, with photos."""
        item_class = checklists.class_of(self.item.hs_code)
        wanted = checklists.edition().classes[item_class].photos
        photos = [await build.photo(by or self.operator) for _ in range(wanted)]
        return Look(
            **{
                "units": list(units),
                "answers": answers(item_class, grade),
                "grade": grade,
                "photos": photos,
                **other,
            }
        )

    async def graded(self, grade: str = "A", quantity: int = 1, **other: Any) -> list[str]:
        """Units of a fresh return that are graded."""
        units = await self.received(quantity, **other)
        await grading.grade(self.operator, await self.look(units, grade), request_key=key())
        return units

    async def decided(self, kind: str, grade: str = "A", quantity: int = 1, **other: Any) -> list[str]:
        """Units of a fresh return that are decided."""
        units = await self.graded(grade, quantity, **other)
        await dispositions.decide(self.exporter, units, kind=kind, request_key=key())
        return units

    async def deed(self, kind: str) -> Deed:
        """How a kind of decision is carried out."""
        if kind in ("RESTOCK", "SECOND"):
            return Deed(location=self.bins[2])
        if kind in ("SCRAP", "DONATE"):
            return Deed(method="Crushed", witness="Notary", photos=[await build.photo(self.operator)])
        return Deed()

    async def carried_out(self, kind: str, grade: str = "A", quantity: int = 1, **other: Any) -> list[str]:
        """Units of a fresh return for which a decision was carried out."""
        units = await self.decided(kind, grade, quantity, **other)
        await carrying_out.carry_out(self.operator, units, await self.deed(kind), request_key=key())
        return units

    async def of_unit(self, code: str) -> Booked:
        """The return that a unit came with."""
        row = await DB.row(
            "select r.id, r.number, r.warehouse_id from rma r join return_unit u on u.rma_id = r.id where u.code = $1",
            code,
        )
        assert row is not None
        return Booked(row["id"], row["number"], row["warehouse_id"], False)

    async def stock(self) -> dict[tuple[str, int], int]:
        """Pieces of the item on hand by location and condition."""
        rows = await DB.fetch(
            "select l.code, b.condition, sum(b.on_hand)::bigint as pieces from stock_on_hand b "
            "join location l on l.warehouse_id = b.warehouse_id and l.id = b.location_id "
            "where b.item_id = $1 group by 1, 2",
            self.item.id,
        )
        return {(row["code"], row["condition"]): row["pieces"] for row in rows}

    async def unit(self, code: str) -> Any:
        """A unit as the database has it."""
        return await DB.row("select * from return_unit where code = $1", code)

    async def line(self, booked: Booked, line_no: int = 1) -> Any:
        """A line of a return as the database has it."""
        return await DB.row("select * from rma_line where rma_id = $1 and line_no = $2", booked.id, line_no)

    async def stage(self, booked: Booked) -> tuple[str, str | None]:
        """The stage of a return, and the one that its clock runs in."""
        stage = await DB.value("select stage from rma where id = $1", booked.id)
        clock = await DB.value("select stage from stage where subject_id = $1 and left_at is null", booked.id)
        return stage, clock

    async def charged(self, activity: str) -> int:
        """Pieces that the exporter was charged for an activity, less what was charged back."""
        return int(
            await DB.value(
                "select coalesce(sum(quantity), 0)::bigint from charge where owner_id = $1 and activity = $2",
                self.exporter.organisation_id,
                activity,
            )
        )


def answers(item_class: str, grade: str = "A") -> dict[str, str]:
    """Answers to a class's checklist that allow the grade: the damage, if there is one, is in the last question that can have it."""
    given = {name: question.answers[0].id for name, question in checklists.edition().checklist(item_class).items()}
    if grade == "A":
        return given
    for name, question in checklists.edition().checklist(item_class).items():
        for answer in question.answers:
            if answer.best == grade:
                return {**given, name: answer.id}
    return given


async def colleague(viewer: Viewer, *roles: Role) -> Viewer:
    """Another person of the same organisation, with the same roles unless others are given."""
    number = next(_numbers)
    email = f"colleague{number}@luocang.example"
    code = viewer.organisation_code
    await access_actions.create_person(
        await build.root(),
        email,
        f"Colleague {number}",
        "en",
        viewer.time_zone,
        code,
        roles or tuple(viewer.roles),
        build.PASSWORD,
    )
    made = await guards.viewer_of_person(email, code, "page")
    assert made is not None
    return made
