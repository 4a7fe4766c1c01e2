"""The screen on which goods are transformed: what is taken from where, what comes out, and where it is put."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access.rules import Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Fault, Invalid
from backend.files import actions as files_actions
from backend.stock import queries as stock_queries
from backend.stock.rules import Condition
from backend.value_added import processing, queries, rules
from backend.value_added.processing import Put, Taken
from backend.value_added.rules import Act, Kind, Stage
from frontend import render, web
from frontend.render import Form
from frontend.stock import forms
from frontend.stock import words as stock_words
from frontend.value_added import jobs, words

PUTS = 3
Row = Mapping[str, Any]


class Bench:
    """A job with its recipe, what is free of its inputs, and how many runs are left."""

    def __init__(self, job: Row, recipe: Sequence[Row], available: Sequence[Row], left: int) -> None:
        self.job, self.left = job, left
        self.ins = [line for line in recipe if line["side"] == "in"]
        self.outs = [line for line in recipe if line["side"] == "out"]
        numbers = {line["line_no"]: n for n, line in enumerate(self.ins)}
        self.free: list[list[Row]] = [[] for _ in self.ins]
        for row in available:
            self.free[numbers[row["line_no"]]].append(row)

    @property
    def possible(self) -> int:
        """How many runs can be made of what is free, of those that are left."""
        made = [
            sum(row["free"] for row in rows) // line["quantity"] for line, rows in zip(self.ins, self.free, strict=True)
        ]
        return int(min([self.left, *made]))

    def filled(self, runs: int) -> dict[str, str]:
        """The form for so many runs: taken in the order of the list, put into the workshop as agreed."""
        typed = {"runs": str(runs)}
        for number, (line, rows) in enumerate(zip(self.ins, self.free, strict=True)):
            wanted = line["quantity"] * runs
            for row in rows:
                pieces = min(wanted, row["free"])
                wanted -= pieces
                typed[f"take.{number}.{place_of(row)}"] = str(pieces) if pieces else ""
        for number, line in enumerate(self.outs):
            typed[f"put.{number}.0.location"] = "WORKSHOP"
            typed[f"put.{number}.0.quantity"] = str(line["quantity"] * runs) if runs else ""
            typed[f"put.{number}.0.condition"] = Condition(line["condition"]).name
        return typed


def place_of(row: Row) -> str:
    """A lot in a place, as a field of the form is called."""
    return f"{row['lot_id']}-{row['location_id']}"


@get("/value-added/{job_id:uuid}/process")
async def show(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID]) -> Response[Any]:
    """The form, filled for as many runs as are possible now."""
    viewer = jobs.reader(request)
    bench = await _bench(viewer, job_id)
    asked = web.plain(request.query_params.get("runs", ""))
    runs = int(asked) if asked.isdecimal() and len(asked) <= 9 else bench.possible
    form = Form({"key": forms.new_key(), **bench.filled(min(runs, bench.left))})
    return await _page(request, viewer, bench, form)


@post("/value-added/{job_id:uuid}/process", request_max_body_size=web.LARGEST_FORM)
async def transform(request: Request[Any, Any, Any], job_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Book it; with ``deed`` fill, propose what to take for the runs typed."""
    viewer = jobs.reader(request)
    bench = await _bench(viewer, job_id)
    typed = await web.form(request)
    faults: list[Fault] = []
    runs = forms.quantity("runs", typed.get("runs", ""), faults)
    if typed.get("deed") == "fill":
        filled = {**typed, **bench.filled(min(runs, bench.left))} if not faults else typed
        form = web.form_from(filled, Invalid(faults) if faults else None)
        return await _page(request, viewer, bench, form, 422 if faults else 200)
    taken, take_fields = _taken(bench, typed, faults)
    put, put_fields = _put(bench, typed, faults)
    try:
        kept = web.listed(typed, "kept")
        try:
            kept += await files_actions.take_in(viewer, await web.uploads(request, "photos"), photos_only=True)
        except Invalid as refusal:
            faults += refusal.faults
        typed["kept"] = ",".join(kept)
        try:
            await processing.transform(
                viewer,
                job_id,
                runs=runs,
                taken=taken,
                put=put,
                note=typed.get("note", ""),
                photos=kept,
                request_key=forms.key_of(typed, faults),
            )
        except Invalid as refusal:
            raise forms.together(faults, refusal, lambda field: _renamed(field, take_fields, put_fields)) from refusal
    except rules.NotNow as refusal:
        return web.redirect(request, jobs.path_of(job_id), flash=("warn", text.say(refusal.sentence, refusal.facts)))
    except (Invalid, Conflict) as refusal:
        return await _page(request, viewer, bench, forms.again(typed, refusal), forms.status_of(refusal))
    said = text.ngettext(
        "%(count)s run is done and booked.", "%(count)s runs are done and booked.", runs, count=render.number(runs)
    )
    return web.redirect(request, jobs.path_of(job_id), flash=("ok", said))


def _taken(bench: Bench, typed: Mapping[str, str], faults: list[Fault]) -> tuple[list[Taken], list[str]]:
    """What was typed beside each lot and place, and the fields it stands in."""
    taken, fields = [], []
    for number, rows in enumerate(bench.free):
        for row in rows:
            field = f"take.{number}.{place_of(row)}"
            if given := typed.get(field, ""):
                pieces = values.quantity(field, given, faults) if given != "0" else 0
                if pieces:
                    taken.append(Taken(number, row["location"], pieces, row["lot"]))
                    fields.append(field)
    return taken, fields


def _put(bench: Bench, typed: Mapping[str, str], faults: list[Fault]) -> tuple[list[Put], list[str]]:
    put, fields = [], []
    for number, _ in enumerate(bench.outs):
        for row in range(PUTS):
            field = f"put.{number}.{row}"
            place, given = typed.get(f"{field}.location", ""), typed.get(f"{field}.quantity", "")
            if given and (pieces := values.quantity(f"{field}.quantity", given, faults)):
                put.append(Put(number, place, pieces, typed.get(f"{field}.condition") or None))
                fields.append(field)
    return put, fields


def _renamed(field: str, take_fields: Sequence[str], put_fields: Sequence[str]) -> str:
    """Where a fault of the transformation stands in the form."""
    side, _, rest = field.partition(".")
    number, _, name = rest.partition(".")
    if side == "taken" and number.isdecimal() and int(number) < len(take_fields):
        return take_fields[int(number)]
    if side == "put" and number.isdecimal() and int(number) < len(put_fields):
        return f"{put_fields[int(number)]}.{name}"
    if side in ("taken", "put") and number.startswith("line"):
        return f"{'take' if side == 'taken' else 'put'}.{number.removeprefix('line')}"
    return "" if side in ("lines", "taken", "put") else field


async def _bench(viewer: Viewer, job_id: uuid.UUID) -> Bench:
    job = await queries.job(viewer, job_id)
    rules.require_operator(viewer, job["warehouse_id"])
    if Kind(job["kind"]) is not Kind.PROCESSING:
        raise rules.NoSuchJob
    rules.after(Stage(job["stage"]), Act.WORK)
    left = int(job["quantity"]) - await queries.runs_done(job["warehouse_id"], job_id)
    return Bench(job, await queries.recipe(viewer, job), await queries.available(viewer, job), left)


async def _page(
    request: Request[Any, Any, Any], viewer: Viewer, bench: Bench, form: Form, status: int = 200
) -> Response[Any]:
    return web.page(
        request,
        "value_added/process.html",
        status=status,
        bench=bench,
        job=bench.job,
        form=form,
        place_of=place_of,
        puts=PUTS,
        process=words.processes()[bench.job["process"]],
        conditions={int(each): stock_words.conditions()[each.name] for each in Condition},
        condition_choices=stock_words.condition_choices(),
        places=await stock_queries.places_in(viewer, bench.job["warehouse"]),
    )


HANDLERS = (show, transform)
