"""What the sheet of a work order says, gathered from the queries."""

from datetime import datetime
from decimal import Decimal

from backend.access.rules import Viewer
from backend.core import text
from backend.core.text import N_
from backend.files import queries as files_queries
from backend.repairs import queries, rules, sharing
from backend.repairs.rules import QuoteState, Stage
from backend.stock import rules as stock_rules
from backend.stock.rules import Condition
from frontend import render
from frontend.lists import Row
from frontend.photographs import Photograph
from frontend.repairs import words
from frontend.repairs.pdf import QuoteLine, Result, WorkOrderSheet

MOST_PHOTOS = 12


async def content(viewer: Viewer, order: Row, address: str, now: datetime) -> WorkOrderSheet:
    """The sheet of a work order that was found in the viewer's scope; words that people typed stay as they are."""
    done = await queries.bench(order)
    last = done.quotes[0] if done.quotes else None
    return WorkOrderSheet(
        number=order["number"],
        url=address,
        made_at=now,
        zone=order["time_zone"],
        warehouse=render.name(order["warehouse_names"]),
        warehouse_code=order["warehouse"],
        operator=render.name(order["operator_names"]),
        owner=render.name(order["owner_names"]),
        unit=order["unit_code"] or order["number"],
        item_code=order["item"],
        item_name=render.name(order["item_names"]),
        stage=rules.STAGE_NAMES[Stage(order["stage"])],
        opened_at=order["opened_at"],
        fault=words.reported(order["fault"]),
        serial=order["serial"] or "",
        lot=order["lot"] or "",
        rma=order["reference"] if order["origin"] == "return" else "",
        place=order["location"],
        warranty=_warranty(order),
        due_at=order["due_at"],
        technician=order["technician"] or "",
        diagnosis=_diagnosis(done),
        currency=last["currency"] if last else "",
        quote=_lines(last) if last else (),
        quote_state=rules.QUOTE_STATE_NAMES[QuoteState(last["state"])] if last else "",
        quote_valid_until=last["expires_at"] if last else None,
        decided_by=(last["answered_name"] or "") if last else "",
        decided_at=last["ended_at"] if last and last["answered_by"] else None,
        result=_result(order, done),
        photos=await _photos(viewer, order),
    )


def _warranty(order: Row) -> str:
    if order["covered"]:
        return N_("The warranty pays for this repair.")
    if order["covered"] is False and order["warranty_until"]:
        return N_("The warranty does not pay for this repair.")
    return N_("A warranty runs; the diagnosis says whether it pays.") if order["warranty_until"] else N_("No warranty")


def _diagnosis(done: queries.Bench) -> str:
    if not done.diagnoses:
        return ""
    last = done.diagnoses[0]
    found = [f"{code}: {words.code_name(code)}" for code in last["codes"]]
    return "\n".join([*found, *([last["note"]] if last["note"] else [])])


def _lines(quote: Row) -> list[QuoteLine]:
    lines: list[QuoteLine] = [
        QuoteLine(
            kind="part",
            words=render.name(part["names"]),
            code=part["item"],
            quantity=Decimal(part["quantity"]),
            price=Decimal(part["price"]),
        )
        for part in quote["parts"]
    ]
    if quote["labour_minutes"]:
        hours = sharing.hours(quote["labour_minutes"])
        lines.append(
            QuoteLine(
                kind="labour", words=text.gettext("Work at the bench"), quantity=hours, price=quote["labour_rate"]
            )
        )
    return lines


def _result(order: Row, done: queries.Bench) -> Result | None:
    if order["ended_at"] is None:
        return None
    tests: list[str] = []
    if done.tests and order["stage"] == Stage.FINISHED:
        checks, answers = dict(words.checks(done.tests[0]["item_class"])), words.answers()
        tests = [f"{checks.get(name, name)}: {answers[said]}" for name, said in done.tests[0]["answers"].items()]
    outcome = rules.STAGE_NAMES[Stage(order["stage"])]
    if order["stage"] == Stage.FINISHED:
        outcome = stock_rules.CONDITION_NAMES[Condition(order["condition"])]
    return Result(
        outcome=outcome,
        finished_at=order["ended_at"],
        finished_by=order["technician"] or "",
        note=order["ended_note"],
        tests=tests,
    )


async def _photos(viewer: Viewer, order: Row) -> list[Photograph]:
    rows = await files_queries.attachments(viewer, order["warehouse_id"], ["work_order"], [order["id"]])
    photos = []
    for row in rows[:MOST_PHOTOS]:
        file = await files_queries.content(viewer, row["id"])
        photos.append(
            Photograph(
                name=row["name"],
                sha256=row["hash"].hex(),
                size=row["size"],
                stored_at=row["created_at"],
                content=file.data,
            )
        )
    return photos
