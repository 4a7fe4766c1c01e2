"""The doors: what nobody, and a token without the right, get at each address of the platform."""

import re
import types
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Union, get_args, get_origin
from urllib.parse import quote

import httpx
import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler

from backend import main
from backend.access.rules import Right, Role
from backend.core import clock
from backend.core.settings import Settings
from tests import build

# What everybody may read, and what is for whoever holds the link.
PUBLIC = re.compile(
    r"/$|/api|/health/|/static/|/access/(sign-in|sign-out|language|theme|preferences)$|/registry(\.csv)?$|"
    r"/registry/warehouses/\{code|/registry/warehouses(\.csv)?$|/returns/grades$|/value-added/(offers(\.csv)?|check)$|"
    r"/value-added/offers/\{offer_id:uuid\}$|/value-added/agree/"
)


def handlers(settings: Settings) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Every address and method of the application."""
    for route in main.create_app(settings, open_database=False).app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if method not in ("OPTIONS", "HEAD"):
                yield route.path, method, handler


def address(path: str) -> str:
    """An address in which nothing exists."""
    whole = re.sub(r"\{\w+:uuid\}", str(uuid.UUID(int=7)), path)
    whole = whole.replace("{key:str}", "1-1-1-0-1-1")
    return re.sub(r"\{\w+:str\}", "X1", re.sub(r"\{\w+:int\}", "7", whole))


def query_of(handler: HTTPRouteHandler) -> dict[str, str]:
    """What an address cannot be asked without."""
    needed = {"queue": "grade", "lot": "L", "declaration": "D", "line": "1", "warehouse": "W"}
    return {name: value for name, value in needed.items() if name in handler.parsed_fn_signature.parameters}


def body_of(kind: Any) -> Any:
    """A body of the right shape."""
    if get_origin(kind) in (Union, types.UnionType):
        return body_of(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {field.encode_name: body_of(field.type) for field in msgspec.structs.fields(kind) if field.required}
    plain = get_origin(kind) or kind
    now = clock.now()
    given = {
        str: "X",
        int: 1,
        bool: True,
        Decimal: "1",
        list: [],
        dict: {},
        uuid.UUID: str(uuid.UUID(int=7)),
        date: now.date().isoformat(),
        type(now): (now + timedelta(days=1)).isoformat(),
    }
    return given[plain]


async def test_nobody_reads_or_does_anything_by_program(client: httpx.AsyncClient, settings: Settings) -> None:
    asked = 0
    for path, method, handler in handlers(settings):
        if not path.startswith("/api/v1/") or path.startswith("/api/v1/schema"):
            continue
        field = handler.parsed_data_field
        body = body_of(field.annotation) if field else None
        answer = await client.request(method, address(path), json=body, params=query_of(handler))
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), (method, path, answer.text)
        asked += 1
    assert asked > 90


async def test_nobody_sees_a_page_that_is_not_public(client: httpx.AsyncClient, settings: Settings) -> None:
    asked = 0
    for path, method, _ in handlers(settings):
        if PUBLIC.match(path):
            continue
        if method == "GET":
            answer = await client.get(address(path))
            if answer.headers.get("location") == "/access/people/7":
                answer = await client.get("/access/people/7")
            assert answer.headers.get("location", "").startswith("/access/sign-in"), (path, answer.status_code)
        else:
            answer = await build.submit(client, address(path))
            assert answer.status_code == 401, (path, answer.status_code)
        asked += 1
    assert asked > 140


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.EXPORTER_MANAGER, Role.OPERATOR_MANAGER])
async def test_a_token_without_the_right_is_refused_at_each_call(
    client: httpx.AsyncClient, settings: Settings, role: Role
) -> None:
    make = {
        Role.ADMINISTRATOR: (build.committee, Right.SEE_JOBS),
        Role.EXPORTER_MANAGER: (build.exporter, Right.KEEP_ITEMS),
        Role.OPERATOR_MANAGER: (build.operator, Right.KEEP_ITEMS),
    }
    party, right = make[role]
    bearer = {"Authorization": f"Bearer {await build.token(await party(role), right)}", "Idempotency-Key": "k"}
    for path, method, handler in handlers(settings):
        if not path.startswith("/api/v1/") or path.startswith("/api/v1/schema"):
            continue
        if (method, path) == ("POST", "/api/v1/items") and right is Right.KEEP_ITEMS:
            continue
        field = handler.parsed_data_field
        body = body_of(field.annotation) if field else None
        answer = await client.request(method, address(path), json=body, params=query_of(handler), headers=bearer)
        assert (answer.status_code, answer.json()["type"][20:]) == (403, "NotAllowed"), (method, path, answer.text)


@pytest.mark.parametrize("odd", ["a\0b", "9" * 5000, "\ufffd", "0001-01-01", "9999-12-31"])
async def test_whatever_is_looked_for_is_found_nowhere_or_refused_by_name(client: httpx.AsyncClient, odd: str) -> None:
    bearer = {"Authorization": f"Bearer {await build.token(await build.committee())}"}
    described = (await client.get("/api/v1/schema/openapi.json")).json()["paths"]
    asked = 0
    for path, methods in described.items():
        if "get" not in methods:
            continue
        parameters = methods["get"].get("parameters", [])
        inside = {each["name"]: each["schema"] for each in parameters if each["in"] == "path"}
        where = path
        for name, schema in inside.items():
            is_id = schema.get("format") == "uuid"
            where = where.replace(f"{{{name}}}", str(uuid.UUID(int=7)) if is_id else quote(odd[:64], safe=""))
        names = [each["name"] for each in parameters if each["in"] == "query"]
        needed = {"queue": "grade", "lot": "L", "declaration": "D", "line": "1", "warehouse": "W"}
        base = {name: needed[name] for name in names if name in needed}
        for name in names or [""]:
            answer = await client.get(where, params={**base, name: odd} if name else {}, headers=bearer)
            told = answer.json() if "json" in answer.headers["content-type"] else {}
            kind = told.get("type", "") if isinstance(told, dict) else ""
            assert answer.status_code in (200, 403, 404, 422), (where, name, answer.text)
            assert "NotStorable" not in kind, (where, name)
            assert answer.status_code != 422 or told["errors"], (where, name)
            asked += 1
    assert asked > 150
