"""The screens of trade files."""

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import text
from backend.core.errors import Invalid
from backend.registry.rules import Status
from backend.trade import actions, mapping, queries, reasons, rules, runner
from backend.trade.reasons import Why
from backend.trade.rules import State, Step
from frontend import lists, render, web
from frontend.stock import scope
from frontend.trade import upload as uploads

STATE_LOOKS = {
    State.QUEUED: "neutral",
    State.READING: "neutral",
    State.POSTING: "neutral",
    State.DONE: "ok",
    State.REFUSED: "bad",
}
UNFINISHED = (State.QUEUED, State.READING, State.POSTING)


class Reason(msgspec.Struct, frozen=True):
    """Why some rows were rejected: its name, how many, the address of just those."""

    name: str
    rows: int
    href: str


@get("/trade")
async def runs(request: Request[Any, Any, Any]) -> Response[Any]:
    """The files that were imported."""
    viewer = _importer(request)
    filters = lists.asked(request, "warehouse", "owner", "state")
    found = await lists.shown(request, queries.RUNS, filters, lambda: queries.run_clauses(viewer, filters))
    return web.page(
        request,
        "trade/runs.html",
        status=found.status,
        list=found,
        warehouses=scope.choices(await scope.warehouses(viewer)),
        states={state.value: (STATE_LOOKS[state], text.gettext(name)) for state, name in rules.STATE_NAMES.items()},
    )


@get("/trade.csv")
async def runs_csv(request: Request[Any, Any, Any]) -> Stream:
    """The same as a file."""
    clauses = await queries.run_clauses(_importer(request), lists.asked(request, "warehouse", "owner", "state"))
    return lists.file(request, "imports", queries.RUNS, clauses)


@get("/trade/new")
async def new_run(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form for a file."""
    return await _form(request, _importer(request), render.Form(values={"create_items": "yes"}))


@post("/trade/new", opt={"exclude_from_csrf": True}, request_max_body_size=None)
async def start_run(request: Request[Any, Any, Any]) -> Response[Any]:
    """Take a file in and have it worked off."""
    viewer = _importer(request)
    settings = request.app.state.settings
    given = await uploads.received(request, runner.folder(settings.home), settings.upload_limit_bytes)
    try:
        run_id = await actions.queue(viewer, given.fields, given.path, given.file_name)
    except BaseException as error:
        given.drop()
        if isinstance(error, Invalid):
            return await _form(request, viewer, web.form_from(given.fields, error), status=422)
        raise
    runner.start(run_id)
    return Redirect(f"/trade/runs/{run_id}", status_code=303)


async def _form(request: Request[Any, Any, Any], viewer: Viewer, form: render.Form, status: int = 200) -> Response[Any]:
    own = [row for row in await scope.warehouses(viewer) if row["status"] != Status.CLOSED]
    return web.page(
        request,
        "trade/new.html",
        status=status,
        form=form,
        warehouses=scope.choices(own),
        owners=[(row["code"], render.name(row["names"])) for row in await queries.owners_before(viewer)],
        mappings=mapping.titles(),
        limit_bytes=request.app.state.settings.upload_limit_bytes,
    )


@get("/trade/runs/{run_id:uuid}")
async def run(request: Request[Any, Any, Any], run_id: FromPath[UUID]) -> Response[Any]:
    """How a run goes on; when it is finished, what became of the rows."""
    row = await queries.run(_importer(request), run_id)
    state = State(row["state"])
    path = f"/trade/runs/{run_id}"
    chosen = queries.mapping_of(row)
    filters = lists.asked(request, "reason")
    rejected = await lists.shown(request, queries.REJECTS, filters, lambda: queries.reject_clauses(row, filters))
    return web.page(
        request,
        "trade/run.html",
        status=rejected.status,
        run=row,
        path_of_run=path,
        state_name=text.gettext(rules.STATE_NAMES[state]),
        state_look=STATE_LOOKS[state],
        goes_on=state in UNFINISHED,
        interrupted=await queries.is_interrupted(row),
        bar=_bar(row),
        refused=_refused(row["refusal"]),
        why=[
            Reason(text.gettext(reasons.WHY_NAMES[Why(why)]), rows, lists.address(path, {"reason": why}))
            for why, rows in sorted(row["reasons"].items(), key=lambda pair: -pair[1])
        ],
        list=rejected,
        rejects=[{**dict(each), "said": queries.said(each, chosen, len(row["header"]))} for each in rejected.rows],
        movements=lists.address("/stock/movements", {"warehouse": row["warehouse"], "owner": row["owner"]}),
        balances=lists.address("/stock/balances", {"warehouse": row["warehouse"], "owner": row["owner"]}),
    )


@get("/trade/runs/{run_id:uuid}/rejected.csv")
async def rejected_csv(request: Request[Any, Any, Any], run_id: FromPath[UUID]) -> Stream:
    """The rejected rows of a run, to correct and import again."""
    viewer = _importer(request)
    row = await queries.run(viewer, run_id)
    name = Path(row["file_name"]).name.removesuffix(".gz").removesuffix(".csv")
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)
    return web.csv(request, f"{plain}.rejected", queries.rejected_csv(viewer, run_id))


@post("/trade/runs/{run_id:uuid}/resume")
async def resume(request: Request[Any, Any, Any], run_id: FromPath[UUID]) -> Response[Any]:
    """Go on with a run that was interrupted."""
    await actions.resume(_importer(request), run_id)
    runner.start(run_id)
    return web.redirect(request, f"/trade/runs/{run_id}", flash=("ok", text.gettext("The import goes on.")))


def _importer(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.IMPORT_TRADE)


def _bar(row: Any) -> tuple[str, int, int]:
    """What the progress bar says: a word, what is done and the whole."""
    if row["state"] == State.POSTING:
        return text.gettext(rules.STEP_NAMES[Step.POSTING]), row["posted"], row["to_post"]
    return text.gettext(rules.STEP_NAMES[Step.READING]), row["bytes_read"], row["bytes_all"]


def _refused(refusal: dict[str, Any] | None) -> list[str]:
    """What a run was refused for, in the reader's language: the sentence, then each fault."""
    if not refusal:
        return []
    return [text.say(each["sentence"], each["facts"]) for each in (refusal, *refusal["faults"])]


router = Router(
    path="/",
    route_handlers=[runs, runs_csv, new_run, start_run, run, rejected_csv, resume],
    include_in_schema=False,
)
