"""The overview in everybody's scope, and the page about the API."""

import re
from datetime import timedelta

import httpx
import pytest

from backend.access.rules import Role, Viewer
from backend.core import clock
from backend.core.database import DB
from backend.stock import actions, codes, figures
from tests import build
from tests.returns.bench import Bench


@pytest.fixture
def uncounted() -> None:
    """Nothing counted before is kept."""
    figures.forget()


async def see(client: httpx.AsyncClient, viewer: Viewer, path: str = "/") -> httpx.Response:
    await build.sign_in(client, viewer)
    return await client.get(path)


def numbers(page: httpx.Response) -> dict[str, str]:
    """The key figures of an overview, by their labels."""
    found = re.findall(r'kpi-label">(?:<a [^>]*>)?([^<]+).*?<bdi>([^<]+)</bdi>', page.text, re.DOTALL)
    return dict(found)


async def test_a_stranger_is_led_to_the_public_directory(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/registry")


@pytest.mark.usefixtures("uncounted")
async def test_a_beginner_is_told_what_to_do_next(client: httpx.AsyncClient) -> None:
    operator, exporter = await build.operator(), await build.exporter()
    for viewer, step in (
        (operator, "Enter your warehouse"),
        (exporter, "Register your items"),
        (await build.committee(Role.CHAIR), "List the first warehouses"),
    ):
        page = await see(client, viewer)
        assert page.status_code == 200
        assert "What to do next" in page.text
        assert step in page.text
    await build.warehouse(operator)
    figures.forget()
    page = await see(client, await build.again(operator))
    assert re.search(
        r'class="now" aria-current="step">\s*<p class="timeline-title"><a [^>]+>Add its locations', page.text
    )


@pytest.mark.usefixtures("uncounted")
async def test_everybody_sees_the_figures_of_their_own_scope(client: httpx.AsyncClient) -> None:
    operator, mine, other = await build.operator(), await build.exporter(), await build.exporter()
    warehouse = await build.warehouse(operator)
    await build.warehouse(operator, status="draft")
    operator = await build.again(operator)
    [place] = await build.bins(operator, warehouse, 1)
    for owner, quantity, days in ((mine, 1200, 3), (other, 30, 40)):
        item = await build.item(owner)
        line = codes.Request(owner.organisation_code, item.code, None, "SUPPLIER", place, "GOOD", "GOOD", quantity)
        await actions.post_document(
            operator,
            warehouse.code,
            "RECEIPT",
            [line],
            request_key=f"k{quantity}",
            request_hash=b"x",
            occurred_at=clock.now() - timedelta(days=days),
            reference=f"REF-{quantity}",
        )
    figures.forget()
    page = await see(client, operator)
    assert numbers(page) == {
        "Warehouses": "2",
        "Pieces on hand": "1,230",
        "Pieces held": "0",
        "Live reservations": "0",
        "Movements in 30 days": "1",
    }
    assert "Draft 1 · Listed 1" in page.text
    assert "REF-30" in page.text
    page = await see(client, mine)
    assert numbers(page)["Pieces on hand"] == "1,200"
    assert numbers(page)["Warehouses with your goods"] == "1"
    assert ("REF-1200" in page.text, "REF-30" in page.text) == (True, False)
    stranger = await build.operator()
    await build.warehouse(stranger)
    assert "REF-" not in (await see(client, await build.again(stranger))).text
    everything = await DB.value("select sum(on_hand) from balance")
    assert numbers(await see(client, await build.committee()))["Pieces on hand"] == f"{everything:,}"


def waiting(page: httpx.Response) -> str:
    """The part of an overview that says what waits."""
    found = re.search(r"<h2>(?:Waiting for you|Overdue in the zone)</h2>.*?</section>", page.text, re.DOTALL)
    assert found is not None
    return found[0]


@pytest.mark.usefixtures("uncounted")
async def test_the_overview_says_what_waits_for_whom(client: httpx.AsyncClient) -> None:
    bench = await Bench.make()
    coming = await bench.booked()
    [to_grade] = await bench.received()
    [to_decide] = await bench.graded()
    numbers_of = {code: (await bench.of_unit(code)).number for code in (to_grade, to_decide)}
    own = waiting(await see(client, bench.operator))
    assert numbers_of[to_grade] in own
    assert numbers_of[to_decide] not in own, "it is its owner's turn"
    assert coming.number not in own, "it is the carrier's turn"
    assert 'href="/monitor/due?turn=operator"' in own
    own = waiting(await see(client, bench.exporter))
    assert (numbers_of[to_grade] in own, numbers_of[to_decide] in own) == (False, True)
    assert re.search(r'standing=running&amp;turn=owner">In time <bdi>1</bdi>', own)
    # Somebody else's work is nobody else's, and the zone's office sees what is late.
    stranger = await Bench.make()
    await build.stocked(stranger.operator, stranger.warehouse, stranger.item, stranger.bins[0], 1)
    assert "No return, repair or job waits for you." in waiting(await see(client, stranger.operator))
    late = "update stage set due_at = now() - interval '1 hour' where number = $1 and left_at is null"
    await DB.run(late, numbers_of[to_grade])
    zone = waiting(await see(client, await build.committee(Role.CHAIR)))
    assert (numbers_of[to_grade] in zone, numbers_of[to_decide] in zone) == (True, False)


def parts(page: httpx.Response) -> dict[str, bool]:
    """The parts of the side bar, and whether each is unfolded."""
    found = re.findall(r"<details( open)?>\s*<summary id=\"nav-\d+\"><span>([^<]+)", page.text)
    return {label: bool(is_open) for is_open, label in found}


def shortcuts(page: httpx.Response) -> list[str]:
    """Where a phone's bar leads."""
    [bar] = re.findall(r'<nav class="bar".*?</nav>', page.text, re.DOTALL)
    return re.findall(r'<a href="([^"]+)"', bar)


async def test_the_way_through_is_short_and_a_phone_scans_with_one_tap(client: httpx.AsyncClient) -> None:
    operator, exporter = await build.operator(), await build.exporter()
    page = await see(client, operator)
    assert shortcuts(page) == ["/returns/scan", "/monitor/due", "/returns", "/stock/balances"]
    assert parts(page)["Returns"]
    assert not parts(page)["Registry"]
    assert parts(await client.get("/registry/items"))["Registry"], "the part in which the reader is lies open"
    page = await see(client, exporter)
    assert shortcuts(page) == ["/monitor/due", "/returns/to-decide", "/returns", "/stock/balances"]
    page = await see(client, await build.committee(Role.REGISTRAR))
    assert shortcuts(page) == ["/monitor", "/monitor/due", "/returns", "/stock/balances"]


@pytest.mark.usefixtures("uncounted")
async def test_figures_are_counted_at_most_twice_a_minute(client: httpx.AsyncClient) -> None:
    operator = await build.operator()
    warehouse = await build.warehouse(operator)
    operator = await build.again(operator)
    first = await figures.figures(operator)
    await build.bins(operator, warehouse, 1)
    assert await figures.figures(operator) is first
    figures.forget()
    assert (await figures.figures(operator)).has_bins


async def test_the_api_is_described_by_files_of_our_own(client: httpx.AsyncClient) -> None:
    page = await client.get("/api")
    assert page.status_code == 200
    assert 'data-schema="/api/v1/schema/openapi.json"' in page.text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert not [address for address in addresses if not address.startswith(("/", "#"))]
    for address in addresses:
        if address.startswith("/static/"):
            assert (await client.get(address)).status_code == 200, address
    assert "<script>" not in page.text
    assert "style=" not in page.text
    described = (await client.get("/api/v1/schema/openapi.json")).json()
    assert "/api/v1/stock/postings" in described["paths"]
    assert not [path for path in described["paths"] if not path.startswith("/api/v1/")]
