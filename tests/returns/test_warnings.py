"""Clocks over goods abroad: owners are warned at 60, 30 and 7 days and of slow stock, once each; the list of those goods."""

import html
import re
from datetime import UTC, date, datetime, time, timedelta

import httpx
import pytest

from backend.access.rules import Viewer
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.messages import queries as messages
from backend.regulations import queries as law
from backend.regulations.editions import Editions
from backend.regulations.rules import LineFacts
from backend.returns import warnings
from backend.returns.warnings import Until
from tests import build
from tests.returns import homeward
from tests.returns.homeward import World

EDITIONS = Editions(law.shipped())


@pytest.fixture
async def there(database: str) -> World:
    return await homeward.world()


def midday(day: date) -> datetime:
    """Noon of a day in China."""
    return datetime.combine(day, time(4), UTC)


async def told(viewer: Viewer) -> list[tuple[str, str]]:
    """The level and words of what an organisation was told of clocks, the first said first."""
    page = await messages.notifications(viewer).page(messages.notification_clauses(viewer, {}))
    return [(row["level"], messages.said(row)) for row in reversed(page.rows) if "abroad" in messages.said(row)]


async def warned(there: World, day: date) -> list[tuple[str, str]]:
    """What is new after the nightly look of a day."""
    before = len(await told(there.exporter))
    await warnings.warn_of_clocks(midday(day))
    return (await told(there.exporter))[before:]


async def test_each_warning_comes_once_on_its_day(there: World) -> None:
    await there.lot(12, exported=date(2026, 3, 15))
    # Free of tax until 15 September 2026, by the customs route until 15 March 2027; slow from 13 July on.
    assert await warned(there, date(2026, 7, 12)) == []
    ((level, said),) = await warned(there, date(2026, 7, 13))
    assert (level, "12 pieces" in said, "slow stock" in said) == ("warn", True, True)
    said_60 = await warned(there, date(2026, 7, 17))
    assert [(level, "in 60 days" in said) for level, said in said_60] == [("warn", True)]
    for day in range(18, 25):
        assert await warned(there, date(2026, 7, day)) == []
    ((level, said),) = await warned(there, date(2026, 8, 16))
    assert "in 30 days" in said
    assert await warned(there, date(2026, 8, 20)) == []
    ((level, said),) = await warned(there, date(2026, 9, 8))
    assert (level, "in 7 days" in said, "2026-09-15" in said) == ("bad", True, True)
    assert await warned(there, date(2026, 9, 15)) == []
    assert await warned(there, date(2026, 9, 16)) == []
    ((level, said),) = await warned(there, date(2027, 1, 14))
    assert ("Customs route" in said, "in 60 days" in said) == (True, True)


async def test_a_night_that_was_missed_is_made_up_for_by_the_narrowest_warning(there: World) -> None:
    await there.lot(1, exported=date(2026, 3, 15))
    said = [said for _, said in await warned(there, date(2026, 9, 1))]
    assert len(said) == 2
    assert sorted("in 14 days" in each for each in said) == [False, True]
    assert await warned(there, date(2026, 9, 2)) == []


async def test_at_the_end_of_a_month_the_warning_names_the_certain_day(there: World) -> None:
    await there.lot(1, exported=date(2026, 8, 31))
    found = [said for _, said in await warned(there, date(2027, 2, 21)) if "Tax-free" in said and "in 7 days" in said]
    assert len(found) == 1
    assert "2027-02-28" in found[0]


async def test_goods_that_are_gone_are_not_spoken_of(there: World) -> None:
    lot = await there.lot(3, exported=date(2026, 3, 15))
    await build.sold(there.operator, there.place, there.item, there.bin, 3, lot=lot)
    assert await warned(there, date(2026, 9, 8)) == []


async def test_lots_of_one_line_are_one_warning_and_corrected_facts_are_a_new_one(there: World) -> None:
    lot = await there.lot(3, exported=date(2026, 3, 15))
    await DB.run(
        "insert into lot (owner_id, item_id, code, declaration_no, declaration_line, supervision_code, exported_on) "
        "select owner_id, item_id, code || '-B', declaration_no, declaration_line, supervision_code, exported_on "
        "from lot where code = $1",
        lot,
    )
    await build.stocked(there.operator, there.place, there.item, there.bin, 4, lot=f"{lot}-B")
    found = [said for _, said in await warned(there, date(2026, 9, 8)) if "Tax-free" in said and "in 7 days" in said]
    assert len(found) == 1
    assert "pieces: 7" in found[0]
    later = date(2026, 3, 20)
    await DB.run(
        "update declaration_fact set exported_on = $1 where owner_id = $2", later, there.exporter.organisation_id
    )
    found = [said for _, said in await warned(there, date(2026, 9, 13)) if "in 7 days" in said]
    assert len(found) == 1
    assert "2026-09-20" in found[0]


async def test_two_nights_at_once_say_it_once(there: World) -> None:
    import asyncio

    await there.lot(3, exported=date(2026, 3, 15))
    await asyncio.gather(*(warnings.warn_of_clocks(midday(date(2026, 9, 8))) for _ in range(3)))
    assert len([said for _, said in await told(there.exporter) if "in 7 days" in said]) == 1


async def test_many_owners_are_told_their_own(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "OWNERS_AT_ONCE", 2)
    worlds = [await homeward.world() for _ in range(5)]
    for number, each in enumerate(worlds, 1):
        await each.lot(number, exported=date(2026, 3, 15))
    await warnings.warn_of_clocks(midday(date(2026, 9, 8)))
    for number, each in enumerate(worlds, 1):
        found = [said for _, said in await told(each.exporter) if "in 7 days" in said]
        assert len(found) == 1
        assert f"pieces: {number}." in found[0]
    assert await told(there.operator) == []


@pytest.mark.parametrize(
    ("days_ago", "expected"),
    [
        (10, set()),
        (121, {Until.SLOW}),
        (130, {Until.SLOW, Until.DAYS_60}),
        (160, {Until.SLOW, Until.DAYS_60, Until.DAYS_30}),
        (179, {Until.SLOW, Until.DAYS_60, Until.DAYS_30, Until.DAYS_7}),
        (200, {Until.TAXED}),
        (370, {Until.TAXED, Until.CLOSED}),
    ],
)
def test_how_goods_stand(days_ago: int, expected: set[Until]) -> None:
    today = date(2026, 12, 20)
    day = today - timedelta(days=days_ago)
    facts = LineFacts(supervision_code="9810", exported_on=day, released_on=day)
    assert warnings.standing(EDITIONS, facts, today) == expected
    assert warnings.standing(EDITIONS, LineFacts(), today) == set()


async def lots(viewer: Viewer, **filters: str) -> list[str]:
    """The lots in the list, those exported first come first."""
    page = await warnings.ABROAD.page(await warnings.clauses(viewer, filters))
    return [row["lot"] for row in page.rows]


async def test_the_list_of_goods_abroad(there: World) -> None:
    young, slow = await there.lot(3, days_ago=10), await there.lot(3, days_ago=170)
    taxed, closed = await there.lot(3, days_ago=200), await there.lot(3, days_ago=400)
    assert await lots(there.exporter) == [closed, taxed, slow, young]
    assert await lots(there.exporter, until="60") == [slow]
    assert await lots(there.exporter, until="slow") == [slow]
    assert await lots(there.exporter, until="taxed") == [closed, taxed]
    assert await lots(there.exporter, until="closed") == [closed]
    assert await lots(there.operator, until="30") == [slow]
    assert await lots(await build.committee(), owner=there.exporter.organisation_code, until="7") == []
    assert await lots(there.exporter, item="nothing") == []
    for stranger in (await build.exporter(), await build.operator()):
        assert await lots(stranger) == []
        assert await lots(stranger, until="taxed") == []
    with pytest.raises(Invalid):
        await lots(there.exporter, until="tomorrow")


async def test_a_declaration_leads_to_a_page_that_its_reader_may_see(client: httpx.AsyncClient, there: World) -> None:
    await there.lot(3, days_ago=150)
    for viewer in (there.exporter, there.operator, await build.committee()):
        browser = await build.sign_in(client, viewer)
        page = (await browser.get("/returns/clocks")).text
        [way, *_] = re.findall(r'data-label="Declaration"><a href="([^"]+)"', page)
        assert (await browser.get(html.unescape(way))).status_code == 200, way


async def test_the_list_leads_into_a_batch(client: httpx.AsyncClient, there: World) -> None:
    lot = await there.lot(3, days_ago=150)
    await there.lot(3, days_ago=400)
    browser = await build.sign_in(client, there.exporter)
    page = (await browser.get("/returns/clocks")).text
    assert lot in page
    assert page.count(">Open a batch<") == 1
    assert f"warehouse={there.place.code}&amp;cause=unsold&amp;declaration=" in page
    narrowed = (await browser.get("/returns/clocks", params={"until": "60"})).text
    assert narrowed.count('scope="row"') == 1
    file = await browser.get("/returns/clocks.csv", params={"until": "closed"})
    assert len(file.text.splitlines()) == 2
    wrong = await browser.get("/returns/clocks", params={"until": "tomorrow"})
    assert (wrong.status_code, "tomorrow" in wrong.text) == (422, True)
    stranger = await build.sign_in(client, await build.exporter())
    assert lot not in (await stranger.get("/returns/clocks")).text
    assert lot not in (await stranger.get("/returns/clocks.csv")).text
