"""Jobs on screen: the work list, and the page that leads both sides through one job."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Kind as OrganisationKind
from backend.access.rules import Right, Viewer
from backend.core import clock, text
from backend.files import queries as files_queries
from backend.stages import rules as stages_rules
from backend.stages.rules import Subject
from backend.value_added import queries, rules
from backend.value_added.rules import Act, Kind, Stage, StepKind
from frontend import lists, render, web
from frontend.messages import pages as messages_pages
from frontend.render import Form
from frontend.stock import forms, scope
from frontend.stock import words as stock_words
from frontend.value_added import words

_FILTERS = ("stage", "kind", "warehouse", "owner", "number")
Row = Mapping[str, Any]


def reader(request: Request[Any, Any, Any]) -> Viewer:
    """Whoever is signed in and may see services."""
    return access_rules.require(request.user, Right.SEE_SERVICES)


def path_of(job_id: uuid.UUID) -> str:
    """The address of a job."""
    return f"/value-added/{job_id}"


@get("/value-added")
async def listed(request: Request[Any, Any, Any]) -> Response[str]:
    """Jobs: what waits for the reader, what is open, all."""
    viewer, filters = reader(request), lists.asked(request, *_FILTERS)
    found = await lists.shown(request, queries.JOBS, filters, lambda: queries.job_clauses(viewer, filters))
    others = {name: value for name, value in filters.items() if name != "stage"}
    views = [("mine", text.gettext("Your turn")), ("open", text.pgettext("state", "Open")), ("", text.gettext("All"))]
    if viewer.kind is OrganisationKind.COMMITTEE:
        views = views[1:]
    now = clock.now()
    return web.page(
        request,
        "value_added/jobs.html",
        status=found.status,
        list=found,
        tabs=[
            (word, lists.address("/value-added", {**others, "stage": view}), filters["stage"] == view)
            for view, word in views
        ],
        standings=[stages_rules.standing(row["due_at"], now).value if row["due_at"] else "" for row in found.rows],
        kinds=words.kinds(),
        processes=words.processes(),
        stages=words.stages(),
        units=words.units(),
        outcomes=words.outcomes(),
        warehouses=scope.choices(await scope.warehouses(viewer)),
        own=scope.has_one_owner(viewer),
        asks=viewer.kind is OrganisationKind.EXPORTER and viewer.may(Right.REQUEST_SERVICES),
        keeps=viewer.may(Right.KEEP_OFFERS) and bool(viewer.warehouse_ids),
    )


@get("/value-added.csv")
async def listed_file(request: Request[Any, Any, Any]) -> Stream:
    """Jobs as a file."""
    viewer = reader(request)
    return lists.file(
        request, "service-jobs", queries.JOBS, queries.job_clauses(viewer, lists.asked(request, *_FILTERS))
    )


@get("/value-added/{job_id:uuid}")
async def show(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID]) -> Response[str]:
    """One job."""
    return await page(request, job_id)


async def page(
    request: Request[Any, Any, Any], job_id: uuid.UUID, refused: tuple[str, Form] | None = None, status: int = 200
) -> Response[str]:
    """The page of a job; `refused` is the deed that was refused and its form."""
    viewer = reader(request)
    job = await queries.job(viewer, job_id)
    stage, kind = Stage(job["stage"]), Kind(job["kind"])
    acts = rules.acts_for(viewer, stage, job["warehouse_id"], job["owner_id"])
    steps = await queries.steps(viewer, job)
    documents = await queries.documents(viewer, job)
    files = await _files(viewer, job, [*steps, *documents])
    done = await queries.runs_done(job["warehouse_id"], job_id) if kind is Kind.PROCESSING else 0
    works = access_rules.runs_warehouse(viewer, job["warehouse_id"]) and viewer.may(Right.DO_SERVICES)
    is_party = works or (access_rules.owns(viewer, job["owner_id"]) and viewer.may(Right.REQUEST_SERVICES))
    deeds = _forms(job, acts, is_party and stage not in rules.ENDED, done)
    if refused:
        deeds[refused[0]] = refused[1]
    missing = [each for each in job["offer_documents"] if each not in {row["kind"] for row in documents}]
    return web.page(
        request,
        "value_added/job.html",
        status=status,
        job=job,
        acts={act.value for act in acts},
        forms=deeds,
        stage=words.stages()[stage],
        is_over=stage in rules.ENDED,
        is_processing=kind is Kind.PROCESSING,
        is_owner=access_rules.owns(viewer, job["owner_id"]),
        works=works,
        kind=words.kinds()[kind],
        process=words.processes().get(job["process"] or "", ""),
        units=words.units(),
        price=words.price,
        partner_statuses=words.partner_statuses(),
        outcomes=words.outcomes(),
        recipe=await queries.recipe(viewer, job),
        conditions={int(each): stock_words.conditions()[each.name] for each in stock_words.CONDITION_KINDS},
        runs_done=done,
        steps=_told(steps),
        undoes=works and stage in (Stage.ACCEPTED, Stage.PERFORMING),
        files=files,
        documents=documents,
        missing=missing,
        document_kinds=words.document_kinds(),
        history=_history(await queries.history(viewer, job_id), job),
        pledges=(await queries.PLEDGES.page(queries.pledge_clauses(viewer, {"job": job["number"]}))).rows
        if kind is Kind.FINANCE
        else [],
        pledging=kind is Kind.FINANCE and access_rules.owns(viewer, job["owner_id"]) and viewer.may(Right.HOLD_STOCK),
        thread=await messages_pages.thread(request, Subject.SERVICE, job_id),
    )


async def _files(viewer: Viewer, job: Row, rows: Sequence[Row]) -> dict[uuid.UUID, list[Row]]:
    found: dict[uuid.UUID, list[Row]] = {}
    ids = [row["id"] for row in rows]
    if ids:
        for file in await files_queries.attachments(viewer, job["warehouse_id"], ["service_job"], ids):
            found.setdefault(file["subject_id"], []).append(file)
    return found


def _forms(job: Row, acts: frozenset[Act], adds: bool, done: int) -> dict[str, Form]:
    """An empty form for everything that may be done now, filled with what is likely."""
    key = forms.new_key
    base = {"revision": str(job["revision"])}
    made: dict[str, Form] = {}
    for act in acts:
        values = {**base, "key": key()}
        if act is Act.QUOTE:
            price = job["quote_price"] if job["quote_price"] is not None else job["offer_price"]
            values |= {
                "price": "" if price is None else format(price.normalize(), "f"),
                "currency": job["quote_currency"] or job["offer_currency"] or "",
                "quantity": format((job["quote_quantity"] or job["quantity"]).normalize(), "f"),
                "days": str(rules.USUAL_QUOTE_DAYS),
            }
        elif act is Act.REPORT:
            quantity = job["quote_quantity"]
            if job["kind"] == Kind.PROCESSING and done:
                quantity = quantity * done / job["quantity"]
            values |= {"quantity": format(round(quantity, 4).normalize(), "f"), "outcome": "succeeded"}
        elif act is Act.WORK:
            made["refer"] = Form(
                {
                    **values,
                    "key": key(),
                    "partner": job["partner"] or "",
                    "reference": job["partner_reference"] or "",
                    "status": "running" if job["partner_status"] else "sent",
                },
                prefix="refer",
            )
        made[act.value] = Form(values, prefix=act.value)
    if adds:
        made["documents"] = Form({"key": key()}, prefix="documents")
    return made


def _told(steps: Sequence[Row]) -> list[dict[str, Any]]:
    """Steps with their words."""
    names, statuses, outcomes = words.steps(), words.partner_statuses(), words.outcomes()
    return [
        {
            **step,
            "title": names[step["kind"]],
            "status": statuses.get(step["partner_status"] or "", ""),
            "result": outcomes.get(step["outcome"] or ""),
            "is_undone": step["kind"] == StepKind.TRANSFORM and step["reversal_id"] is not None,
        }
        for step in steps
    ]


def _history(stays: Sequence[Row], job: Row) -> list[dict[str, Any]]:
    """The stages of a job as a timeline."""
    names = words.stages()
    events: list[dict[str, Any]] = [
        {
            "title": names[stay["stage"]][1],
            "at": render.instant(stay["entered_at"], job["time_zone"]),
            "text": ""
            if stay["left_at"]
            else text.gettext("until %(instant)s", instant=render.instant(stay["due_at"], job["time_zone"])),
            "state": "done" if stay["left_at"] else "now",
        }
        for stay in stays
    ]
    if job["closed_at"]:
        at = render.instant(job["closed_at"], job["time_zone"])
        state = "done" if job["stage"] == Stage.CLOSED else "bad"
        events.append({"title": names[job["stage"]][1], "at": at, "state": state, "text": job["ending"] or ""})
    return events


HANDLERS = (listed, listed_file, show)
