"""Short builders of what tests begin with, all through the product's own actions."""

import asyncio
import itertools
import uuid
from collections.abc import Iterable
from typing import Any

import httpx

from backend import schedule
from backend.access import actions, guards, signing_in
from backend.access.rules import Kind, Right, Role, Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.files import actions as files_actions
from backend.registry import actions as registry_actions
from backend.registry.rules import Item, Warehouse
from backend.returns import actions as return_actions
from backend.returns import desks
from backend.returns import rules as return_rules
from backend.returns.actions import Booked
from backend.returns.booking import Booking, Buyer, Line
from backend.returns.routing import Capability
from backend.stock import actions as stock_actions
from backend.stock import codes

PASSWORD = "violet harbour lantern 47"
ROOT = "root@luocang.example"

_numbers = itertools.count(1)


# ------------------------------------------------------------------------------------------------------------ access


async def root() -> Viewer:
    """The platform's first administrator."""
    there = await guards.viewer_of_person(ROOT)
    return there or await actions.set_up(ROOT, "Root", PASSWORD, "ROOT", language="en")


async def operator(*roles: Role, zone: str = "Europe/Berlin") -> Viewer:
    """A person (a manager, if no role is given) of a fresh operator."""
    return await _viewer(Kind.OPERATOR, roles or (Role.OPERATOR_MANAGER,), zone)


async def exporter(*roles: Role, zone: str = "Asia/Shanghai") -> Viewer:
    """A person (a manager, if no role is given) of a fresh exporter."""
    return await _viewer(Kind.EXPORTER, roles or (Role.EXPORTER_MANAGER,), zone)


async def committee(*roles: Role, zone: str = "Asia/Shanghai") -> Viewer:
    """A person (an administrator, if no role is given) of a fresh committee."""
    return await _viewer(Kind.COMMITTEE, roles or (Role.ADMINISTRATOR,), zone)


async def again(viewer: Viewer) -> Viewer:
    """The same person as the database knows them now, e.g. with a warehouse that was added."""
    fresh = await guards.viewer_of_person(viewer.email, viewer.organisation_code, viewer.channel)
    assert fresh is not None
    return fresh


async def sign_in(client: httpx.AsyncClient, viewer: Viewer) -> httpx.AsyncClient:
    """The same browser, signed in as `viewer`."""
    entered = await signing_in.sign_in(
        viewer.email, PASSWORD, keep=False, user_agent="Mozilla/5.0 (X11; Linux) Firefox/150.0", now=clock.now()
    )
    client.cookies.set(guards.SESSION_COOKIE, entered.token, domain="testserver.local")
    return client


async def token(viewer: Viewer, *rights: Right) -> str:
    """An API token of `viewer` with these rights (all of the viewer's, if none is given)."""
    return await actions.create_token(viewer, "test", rights or viewer.rights, 30)


async def submit(client: httpx.AsyncClient, path: str, **fields: Any) -> httpx.Response:
    """Send a form as a browser does, with the page's token against forgery; a list becomes a repeated field."""
    names = [name for name in client.cookies if name.startswith("luocang_csrf_")]
    if not names:
        await client.get("/access/sign-in")
        names = [name for name in client.cookies if name.startswith("luocang_csrf_")]
    given = {name: list(value) if _is_list(value) else str(value) for name, value in fields.items()}
    return await client.post(path, data={"_csrf_token": client.cookies[names[0]], **given})


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)


async def _viewer(kind: Kind, roles: tuple[Role, ...], zone: str) -> Viewer:
    administrator, number = await root(), next(_numbers)
    code, email = f"{kind.value[:3].upper()}{number}", f"{kind.value}{number}@luocang.example"
    names = {"en": f"{kind.value.title()} {number}", "zh": f"{number} 号"}
    await actions.create_organisation(administrator, code, kind, names)
    person = f"Person {number}"
    await actions.create_person(administrator, email, person, "en", zone, code, roles, PASSWORD)
    viewer = await guards.viewer_of_person(email, code, "page")
    assert viewer is not None
    return viewer


# ---------------------------------------------------------------------------------------------------------- registry

WAREHOUSE = {
    "name_en": "Test warehouse",
    "name_zh": "测试仓",
    "country": "DE",
    "city_en": "Hamburg",
    "address": "Am Sandtorkai 1, 20457 Hamburg",
    "latitude": "53.5411",
    "longitude": "9.9937",
    "time_zone": "Europe/Berlin",
    "area_m2": "12000",
    "capacity_m3": "90000",
    "taxonomy": "public",
}


async def warehouse(viewer: Viewer, *, status: str = "listed", **overrides: str) -> Warehouse:
    """A fresh warehouse of an operator's manager, listed unless another `status` is asked for; see `again`."""
    given = {"code": f"WH{next(_numbers)}", **WAREHOUSE, **overrides}
    made = await registry_actions.create_warehouse(viewer, given)
    for step in {"draft": (), "suspended": ("listed", "suspended"), "closed": ("listed", "closed")}.get(
        status, (status,)
    ):
        given = {"status": step, "note": "test"}
        made = await registry_actions.change_status(await root(), made.code, made.revision, given)
    return made


async def bins(viewer: Viewer, place: Warehouse, n: int) -> list[str]:
    """The codes of `n` fresh bins in a warehouse that the viewer operates."""
    aisle = f"A{next(_numbers)}"
    pattern = f"{aisle}-{{1..{n}}}"
    await registry_actions.create_locations(viewer, place.code, {"pattern": pattern, "kind": "bin"})
    return [f"{aisle}-{number}" for number in range(1, n + 1)]


async def item(viewer: Viewer, **overrides: str) -> Item:
    """A fresh item of an exporter's manager."""
    number = next(_numbers)
    return await registry_actions.create_item(
        viewer, {"code": f"SKU-{number}", "name_en": f"Item {number}", **overrides}
    )


# ------------------------------------------------------------------------------------------------------------- stock


async def stocked(
    viewer: Viewer,
    place: Warehouse,
    goods: Item,
    location: str,
    quantity: int,
    *,
    lot: str | None = None,
    condition: str = "GOOD",
) -> None:
    """Pieces of an item received straight to a location of a warehouse that the viewer operates."""
    await _post(viewer, place, "RECEIPT", goods, lot, "SUPPLIER", location, condition, quantity)


async def sold(
    viewer: Viewer,
    place: Warehouse,
    goods: Item,
    location: str,
    quantity: int,
    *,
    lot: str | None = None,
    reference: str = "",
) -> uuid.UUID:
    """Pieces of an item shipped to a buyer under an order number; the document."""
    return await _post(viewer, place, "SALE", goods, lot, location, "BUYER", "GOOD", quantity, reference)


async def _post(
    viewer: Viewer,
    place: Warehouse,
    reason: str,
    goods: Item,
    lot: str | None,
    source: str,
    target: str,
    condition: str,
    quantity: int,
    reference: str = "",
) -> uuid.UUID:
    line = codes.Request(goods.owner_code, goods.code, lot, source, target, condition, condition, quantity)
    posted = await stock_actions.post_document(
        viewer, place.code, reason, [line], request_key=str(values.new_id()), request_hash=b"", reference=reference
    )
    return posted.document_id


# ----------------------------------------------------------------------------------------------------------- returns


async def desk(viewer: Viewer, place: Warehouse, **overrides: Any) -> None:
    """A returns desk that takes everything, in a warehouse of an operator's manager."""
    given = {"kinds": list(return_rules.Kind), "capabilities": list(Capability), "daily_units": 500, **overrides}
    await desks.keep_desk(viewer, place.code, desks.Desk(**given))


async def returned(viewer: Viewer, place: Warehouse, *lines: Line, **overrides: Any) -> Booked:
    """A buyer's return that an exporter books to a warehouse with a desk."""
    given = {"kind": "buyer", "reason": "changed_mind", "buyer": Buyer(country="DE", city="Hamburg"), **overrides}
    booking = Booking(warehouse=place.code, lines=list(lines), **given)
    return await return_actions.book(viewer, booking, request_key=str(values.new_id()))


# ------------------------------------------------------------------------------------------------------------- files

# The smallest JPEG and PNG that programs open.
PHOTO = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300030202020202030202020303030304060404040404080606050609080a0a090809090a"
    "0c0f0c0a0b0e0b09090d110d0e0f101011100a0c12131210130f101010ffc9000b080001000101011100ffcc000600101005ffda0008010100003f00"
    "d2cf20ffd9"
)


async def photo(viewer: Viewer, name: str = "photo.jpg") -> str:
    """The hash of a fresh photo that the viewer's organisation has brought."""
    (digest,) = await files_actions.take_in(viewer, [(name, PHOTO + str(next(_numbers)).encode())])
    return digest


# -------------------------------------------------------------------------------------------------------------- jobs


async def do_jobs(url: str) -> None:
    """Everything that waits in the queue of the database at `url` is tried once, as a process that serves would."""
    waiting = [row["id"] for row in await DB.fetch("select id from job where status = 'queued'")]
    async with asyncio.timeout(30):
        await schedule.work_off(url, waiting)
