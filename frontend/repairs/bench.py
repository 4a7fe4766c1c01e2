"""The page of a work order: what it is, what happened, and the one step that comes next for whoever looks at it."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock, text
from backend.core.errors import Conflict, Invalid
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.repairs import bench, queries, rules
from backend.repairs.rules import Stage
from backend.stages import queries as stages_queries
from backend.stages import rules as stages_rules
from backend.stages.rules import Subject
from backend.stock import queries as stock_queries
from backend.stock.rules import Condition, SameKeyOtherRequest
from frontend import render, web
from frontend.lists import Row
from frontend.messages import pages as messages_pages
from frontend.render import Form
from frontend.repairs import deeds, pdf, sheets, words
from frontend.stock import forms
from frontend.stock import words as stock_words

# In which order a repair goes on when nothing is in its way.
_WAY = (Stage.DIAGNOSING, Stage.QUOTED, Stage.REPAIRING, Stage.TESTING, Stage.FINISHED)


def _reader(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.SEE_REPAIRS)


@get("/repairs/{order_id:uuid}")
async def show(request: Request[Any, Any, Any], order_id: FromPath[uuid.UUID]) -> Response[str]:
    """One work order."""
    order = await queries.order(_reader(request), order_id)
    return await _page(request, order, {})


@post("/repairs/{order_id:uuid}")
async def act(request: Request[Any, Any, Any], order_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Do one step; `deed` says which. What was refused is shown again with everything that was typed."""
    viewer, typed = _reader(request), await forms.read(request)
    order = await queries.order(viewer, order_id)
    deed = typed.get("deed", "")
    if deed == "quote" and typed.get("more"):
        rows = str(deeds.rows_of(typed) + deeds.MORE_ROWS)
        return await _page(request, order, {"quote": Form({**typed, "rows": rows}, prefix="quote")})
    do = deeds.DEEDS.get(deed)
    if do is None:
        raise Invalid
    try:
        flash = await do(viewer, order, typed)
    except (Invalid, Conflict) as refusal:
        place, order = deeds.place_of(deed, typed), await queries.order(viewer, order_id)
        if isinstance(refusal, Conflict) and not isinstance(refusal, SameKeyOtherRequest):
            # The step may have no form any more: what happened is said above, what was typed waits for another try.
            form = Form({**typed, "key": forms.new_key()}, prefix=place)
            said = text.say(refusal.sentence, refusal.facts)
            return await _page(request, order, {place: form}, 409, conflict=said)
        return await _page(request, order, {place: forms.again(typed, refusal, place)}, forms.status_of(refusal))
    return web.redirect(request, f"/repairs/{order_id}", flash=flash)


@post("/repairs/{order_id:uuid}/photos", request_max_body_size=web.LARGEST_FORM)
async def add_photos(request: Request[Any, Any, Any], order_id: FromPath[uuid.UUID]) -> Response[Any]:
    """Put photos to the work order."""
    viewer = _reader(request)
    order = await queries.order(viewer, order_id)
    try:
        hashes = await files_actions.take_in(viewer, await web.uploads(request, "photos"), photos_only=True)
        await bench.attach_photos(viewer, order_id, hashes)
    except Invalid as refusal:
        return await _page(request, order, {"photos": web.form_from({}, refusal, "photos")}, 422)
    return web.redirect(request, f"/repairs/{order_id}#photos", flash=("ok", text.gettext("The photos are kept.")))


@get("/repairs/{order_id:uuid}/sheet.pdf")
async def sheet(request: Request[Any, Any, Any], order_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """The sheet that goes with the unit, in the reader's language."""
    viewer = _reader(request)
    order = await queries.order(viewer, order_id)
    address = f"{request.app.state.settings.base_url}/repairs/{order_id}"
    content = await sheets.content(viewer, order, address, clock.now())
    headers = {
        "Content-Disposition": f'inline; filename="{order["number"]}.pdf"',
        "Cache-Control": "private, no-store",
        "Vary": web.VARY,
    }
    made = pdf.work_order_sheet(content, text.current.get())
    return Response(made, media_type="application/pdf", headers=headers)


# -------------------------------------------------------------------------------------------------------------- page


async def _page(
    request: Request[Any, Any, Any], order: Row, refused: Mapping[str, Form], status: int = 200, conflict: str = ""
) -> Response[str]:
    viewer, stage = _reader(request), Stage(order["stage"])
    works = access_rules.runs_warehouse(viewer, order["warehouse_id"]) and viewer.may(Right.DO_REPAIRS)
    owns = access_rules.owns(viewer, order["owner_id"])
    done = await queries.bench(order)
    open_quote = next((quote for quote in done.quotes if quote["state"] == "open"), None)
    history = await stages_queries.history(viewer, Subject.REPAIR, order["id"])
    photos = await files_queries.attachments(viewer, order["warehouse_id"], ["work_order"], [order["id"]])
    now, runs_from = clock.now(), words.WARRANTY_SOURCES.get(order["warranty_source"], "")
    return web.page(
        request,
        "repairs/order.html",
        status=status,
        order=order,
        conflict=conflict,
        zone=order["time_zone"],
        stage=stage.value,
        step=_step(stage, done) if works else ("answer" if owns and open_quote else ""),
        works=works,
        answers=owns and viewer.may(Right.DECIDE_REPAIRS),
        cancels=stage is Stage.REQUESTED and (works or (owns and viewer.may(Right.DECIDE_REPAIRS))),
        shows_photos=works or owns,
        done=done,
        diagnosis=done.diagnoses[0] if done.diagnoses else None,
        open_quote=open_quote,
        tested=bool(done.tests and done.tests[0]["passed"]),
        uses=_uses(done.parts),
        minutes=sum(row["minutes"] for row in done.labour),
        timeline=_timeline(order, history),
        standing=stages_rules.standing(order["due_at"], now).value if order["due_at"] else "",
        photos=photos,
        thread=await messages_pages.thread(request, Subject.REPAIR, order["id"]),
        form=_forms(order, done, refused, await _first_quote(order, done) if works else {}),
        stages=words.stages(),
        standings=words.standings(),
        quote_states=words.quote_states(),
        origins=words.origins(),
        reported=words.reported(order["fault"]),
        conditions=stock_words.conditions(),
        condition_name=Condition(order["condition"]).name,
        from_condition=Condition(order["from_condition"]).name,
        condition_of={each.value: each.name for each in Condition},
        warranty_source=text.gettext(runs_from) if order["warranty_until"] else "",
        code_name=words.code_name,
        answer_words=words.answers(),
        check_words=dict(words.checks(order["item_class"])),
        **(await _tools(viewer, order, stage) if works else {}),
    )


def _step(stage: Stage, done: queries.Bench) -> str:
    """The one step that comes next at the bench; its card stands first."""
    if stage is Stage.DIAGNOSING and done.diagnoses:
        return "quote" if done.diagnoses[0]["repairable"] else "give_up"
    if stage is Stage.TESTING and done.tests and done.tests[0]["passed"]:
        return "finish"
    steps = {
        Stage.REQUESTED: "take_in",
        Stage.DIAGNOSING: "diagnose",
        Stage.QUOTED: "wait",
        Stage.REPAIRING: "repair",
        Stage.TESTING: "test",
    }
    return steps.get(stage, "")


def _forms(order: Row, done: queries.Bench, refused: Mapping[str, Form], quote: Mapping[str, str]) -> dict[str, Form]:
    """A form for every step, each with a request key of its own; refused ones as they were typed."""
    places = [*deeds.DEEDS, "answer", "photos", *(f"undo-{row['id']}" for row in done.parts)]
    made = {place: refused.get(place) or Form({"key": forms.new_key()}, prefix=place) for place in places}
    if "quote" not in refused:
        made["quote"].values |= quote
    if "assign" not in refused:
        made["assign"].values |= {"technician": str(order["technician_id"] or ""), "revision": str(order["revision"])}
    if "recover" not in refused:
        made["recover"].values |= {"location": "WORKSHOP", "condition": Condition.DAMAGED.name, "quantity": "1"}
    if "use" not in refused:
        made["use"].values |= {"quantity": "1"}
    return made


async def _first_quote(order: Row, done: queries.Bench) -> dict[str, str]:
    """What a new quote begins with: the terms of the last one, else the price list; a week to answer."""
    begun = deeds.in_a_week(order["time_zone"])
    if done.quotes:
        last = done.quotes[0]
        return {**begun, "currency": last["currency"], "rate": f"{last['labour_list_rate'].normalize():f}"}
    if price := await queries.labour_price(order):
        return {**begun, "currency": price[1], "rate": f"{price[0].normalize():f}"}
    return {**begun, "currency": deeds.currency_of(order["country"])}


def _uses(parts: Sequence[Row]) -> list[dict[str, Any]]:
    """Parts by the step that used or recovered them: the first row of a document can undo all of them."""
    seen: set[Any] = set()
    rows = []
    for part in parts:
        rows.append({**part, "first": part["document_id"] not in seen})
        seen.add(part["document_id"])
    return rows


def _timeline(order: Row, history: Sequence[Row]) -> list[dict[str, Any]]:
    """The stages it has been in, where it is, and what is still to come."""
    zone, stages = order["time_zone"], words.stages()
    events: list[dict[str, Any]] = [
        {
            "title": stages[row["stage"]][1],
            "at": render.instant(row["entered_at"], zone),
            "state": "done" if row["left_at"] else "now",
        }
        for row in history
    ]
    stage = Stage(order["stage"])
    if stage in rules.ENDED:
        state = "done" if stage is Stage.FINISHED else "bad"
        events.append(
            {
                "title": stages[stage][1],
                "at": render.instant(order["ended_at"], zone),
                "text": order["ended_note"],
                "state": state,
            }
        )
        return events
    ahead = _WAY[_WAY.index(stage) + 1 :] if stage in _WAY else _WAY
    return events + [{"title": stages[each][1], "state": "todo"} for each in ahead]


async def _tools(viewer: Viewer, order: Row, stage: Stage) -> dict[str, Any]:
    """What the forms of a bench choose from."""
    places = await stock_queries.places_in(viewer, order["warehouse"])
    tools: dict[str, Any] = {
        "technicians": [(str(row["id"]), row["name"]) for row in await queries.technicians(viewer)],
        "me": str(viewer.user_id),
        "places": [(code, "") for code in places],
        "code_choices": words.code_choices(order["item_class"]),
        "checks": words.checks(order["item_class"]),
        "finished_as": [(each.name, stock_words.conditions()[each.name][1]) for each in sorted(rules.FINISHED_AS)],
        "recovered_as": [
            (each.name, stock_words.conditions()[each.name][1]) for each in sorted(rules.RECOVERED_AS, reverse=True)
        ],
        "own_parts": [],
        "spare": [],
        "most_rows": deeds.MOST_ROWS,
        "rows_of": deeds.rows_of,
    }
    if stage in (Stage.DIAGNOSING, Stage.REPAIRING):
        tools["own_parts"] = [
            (row["code"], f"{render.name(row['names'])} · {render.number(row['free'])}")
            for row in await queries.parts_of_owner(order)
        ]
    if stage is Stage.REPAIRING:
        tools["spare"] = [{**row, "value": deeds.spot_of(row)} for row in await queries.spare_parts(order)]
    return tools
