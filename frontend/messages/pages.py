"""Threads on the pages of documents, and the notification centre."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from backend.access.rules import Kind, Viewer
from backend.core import text, values
from backend.core.errors import Conflict, Invalid
from backend.core.text import N_
from backend.files import actions as files_actions
from backend.files import queries as files_queries
from backend.messages import actions, queries
from backend.stages import queries as stages_queries
from backend.stages.rules import SUBJECT_NAMES, Subject
from frontend import lists, web
from frontend.render import Form

STATES = {"unread": N_("Unread")}


class Thread(msgspec.Struct, frozen=True):
    """The thread of a document as its page shows it."""

    action: str
    rows: Sequence[Mapping[str, Any]]
    files: Mapping[uuid.UUID, list[Mapping[str, Any]]]
    form: Form
    writes: bool
    organisation_id: int
    time_zone: str


async def thread(
    request: Request[Any, Any, Any], subject: Subject, subject_id: uuid.UUID, form: Form | None = None
) -> Thread:
    """The thread of a document that the viewer may see; from now on it counts as read by this person."""
    viewer = web.viewer(request)
    document = await stages_queries.document(viewer, subject, subject_id)
    return await _thread(viewer, document, form)


async def _thread(viewer: Viewer, document: Mapping[str, Any], form: Form | None) -> Thread:
    warehouse_id, subject_id = document["warehouse_id"], document["subject_id"]
    subject = Subject(document["subject"])
    rows = await queries.thread(viewer, warehouse_id, document["owner_id"], subject, subject_id)
    files: dict[uuid.UUID, list[Mapping[str, Any]]] = {}
    if rows:
        ids = [row["id"] for row in rows]
        for file in await files_queries.attachments(viewer, warehouse_id, ["message"], ids):
            files.setdefault(file["subject_id"], []).append(file)
        if any(row["unread"] for row in rows):
            await actions.read_thread(viewer, warehouse_id, subject, subject_id)
    return Thread(
        action=f"/messages/threads/{subject.value}/{subject_id}",
        rows=rows,
        files=files,
        form=form or Form({"key": str(values.new_id())}, prefix="thread"),
        writes=viewer.kind is not Kind.COMMITTEE,
        organisation_id=viewer.organisation_id,
        time_zone=viewer.time_zone,
    )


@post("/threads/{subject:str}/{subject_id:uuid}", request_max_body_size=web.LARGEST_FORM)
async def write(
    request: Request[Any, Any, Any], subject: FromPath[str], subject_id: FromPath[uuid.UUID]
) -> Response[Any]:
    """Write in a thread, with files."""
    viewer = web.viewer(request)
    document = await stages_queries.document(viewer, subject, subject_id)
    typed = await web.form(request)
    try:
        files = await files_actions.take_in(viewer, await web.uploads(request, "files"), field="files")
        await actions.write(
            viewer,
            warehouse_id=document["warehouse_id"],
            owner_id=document["owner_id"],
            subject=document["subject"],
            subject_id=subject_id,
            number=document["number"],
            body=typed.get("body", ""),
            files=files,
            request_key=typed.get("key", ""),
        )
    except (Invalid, Conflict) as refusal:
        form = web.form_from({**typed, "key": str(values.new_id())}, refusal, "thread")
        return web.page(
            request,
            "messages/thread.html",
            status=422,
            thread=await _thread(viewer, document, form),
            title=text.gettext(SUBJECT_NAMES[Subject(document["subject"])]) + f" {document['number']}",
            back=actions.path_of(document["subject"], subject_id),
        )
    return web.redirect(request, f"{actions.path_of(document['subject'], subject_id)}#thread")


@get(["/", "/notifications"])
async def centre(request: Request[Any, Any, Any]) -> Response[str]:
    """What the viewer's organisation should know, latest first."""
    viewer = web.viewer(request)
    filters = lists.asked(request, "state", "level")
    found = await lists.shown(
        request, queries.notifications(viewer), filters, lambda: queries.notification_clauses(viewer, filters)
    )
    return web.page(
        request,
        "messages/centre.html",
        status=found.status,
        list=found,
        said=[queries.said(row) for row in found.rows],
        states=[(value, text.gettext(word)) for value, word in STATES.items()],
        time_zone=viewer.time_zone,
        unread=await queries.unread_notifications(viewer),
    )


@get("/bell")
async def bell(request: Request[Any, Any, Any]) -> Response[str]:
    """How much is unread, for the head of every page."""
    return web.page(request, "messages/_bell.html", unread=await queries.unread_notifications(web.viewer(request)))


@get("/notifications/{notification_id:uuid}")
async def follow(request: Request[Any, Any, Any], notification_id: FromPath[uuid.UUID]) -> Redirect:
    """Read a notification by going where it leads."""
    viewer = web.viewer(request)
    row = await queries.notification(viewer, notification_id)
    await actions.read_notification(viewer, notification_id)
    return web.redirect(request, row["href"])


@post("/read-all")
async def read_all(request: Request[Any, Any, Any]) -> Redirect:
    """Everything is read."""
    await actions.read_all_notifications(web.viewer(request))
    return web.redirect(request, "/messages")


router = Router(path="/messages", route_handlers=[write, centre, bell, follow, read_all], include_in_schema=False)
