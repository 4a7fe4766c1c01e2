"""The screen of scheduled work and jobs."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from backend import schedule
from backend.access.rules import Right
from backend.core import clock, jobs, text
from backend.core.jobs import Trouble
from frontend import lists, web

LOOKS = {"waiting": "neutral", "running": "neutral", "failed": "bad", "done": "ok"}


@get("/jobs")
async def seen(request: Request[Any, Any, Any]) -> Response[str]:
    """The scheduled work, and the jobs that are not done (or in the state that is asked for)."""
    viewer, filters = web.viewer(request), lists.asked(request, "work", "state")
    listing = jobs.listing(filters["state"])
    found = await lists.shown(request, listing, filters, lambda: schedule.clauses(viewer, filters))
    titles = {name: text.gettext(title) for name, title in schedule.TITLES.items()}
    return web.page(
        request,
        "jobs/jobs.html",
        status=found.status,
        list=found,
        rows=[{**dict(row), "trouble": _trouble(row)} for row in found.rows],
        schedules=[(each, _said(each.trouble)) for each in await schedule.scheduled(viewer, clock.now())],
        counts=await schedule.counts(viewer),
        titles=titles,
        states={state: (LOOKS[state], text.gettext(name)) for state, name in jobs.STATES.items()},
        may_run=viewer.may(Right.KEEP_JOBS),
        zone=viewer.time_zone,
    )


@get("/jobs.csv")
async def seen_file(request: Request[Any, Any, Any]) -> Stream:
    """The jobs as a file."""
    filters = lists.asked(request, "work", "state")
    clauses = schedule.clauses(web.viewer(request), filters)
    return lists.file(request, "jobs", jobs.listing(filters["state"]), clauses)


@post("/jobs/scheduled/{name:str}/run")
async def run_now(request: Request[Any, Any, Any], name: FromPath[str]) -> Redirect:
    """Run scheduled work now."""
    await schedule.run_now(web.viewer(request), name)
    said = text.gettext("It is asked for and runs in a moment. Load the page again to see how it went.")
    return web.redirect(request, "/jobs", flash=("ok", said))


@post("/jobs/{job_id:int}/try")
async def try_again(request: Request[Any, Any, Any], job_id: FromPath[int]) -> Redirect:
    """Try a failed job again."""
    await schedule.try_again(web.viewer(request), job_id)
    said = text.gettext("The job is put back and is tried again in a moment. Load the page again to see how it went.")
    return web.redirect(request, "/jobs", flash=("ok", said))


def _trouble(row: lists.Row) -> dict[str, str] | None:
    """What went wrong with a job that is not done yet."""
    return _said(Trouble.read(row["trouble"])) if row["state"] != "done" else None


def _said(trouble: Trouble | None) -> dict[str, str] | None:
    """What went wrong, in the reader's language, and the number under which the log has the details."""
    if trouble is None:
        return None
    return {"sentence": text.say(trouble.sentence, trouble.facts), "number": trouble.number}


router = Router(path="/", route_handlers=[seen, seen_file, run_now, try_again], include_in_schema=False)
