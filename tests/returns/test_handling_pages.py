"""The screens of handling: what each reader sees, what forms do once, what they say when refused."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend.access.rules import Viewer
from backend.core import clock, values
from backend.core.database import DB
from backend.returns import checklists, dispositions, grading, parcels, terms
from backend.returns.actions import Booked
from backend.returns.booking import Parcel
from backend.returns.parcels import Found
from tests import build
from tests.returns.bench import Bench, answers, key


class Browser:
    """A bench with a browser before it."""

    def __init__(self, client: httpx.AsyncClient, bench: Bench) -> None:
        self.client, self.bench = client, bench

    async def see(self, viewer: Viewer, path: str, **params: str) -> httpx.Response:
        await build.sign_in(self.client, viewer)
        return await self.client.get(path, params=params or None)

    async def send(self, viewer: Viewer, path: str, *, photos: int = 0, **fields: Any) -> httpx.Response:
        """Send a form, with fresh photos if it has any."""
        await build.sign_in(self.client, viewer)
        if not photos:
            return await build.submit(self.client, path, **fields)
        token = next(value for name, value in self.client.cookies.items() if name.startswith("luocang_csrf_"))
        files = [("photos", (f"p{n}.jpg", build.PHOTO + key().encode(), "image/jpeg")) for n in range(photos)]
        data = {"_csrf_token": token, **{name.replace("__", "."): value for name, value in fields.items()}}
        return await self.client.post(path, data=data, files=files)

    async def fragment(self, viewer: Viewer, path: str, **fields: str) -> httpx.Response:
        """What htmx gets."""
        await build.sign_in(self.client, viewer)
        self.client.headers["hx-request"] = "true"
        try:
            return await build.submit(self.client, path, **fields)
        finally:
            del self.client.headers["hx-request"]


@pytest.fixture
async def browser(client: httpx.AsyncClient) -> Browser:
    bench = await Bench.make(name_en="Lamp <b>", gtins="4006381333931")
    made = Browser(client, bench)
    await made.see(bench.operator, "/returns/scan")
    return made


def key_of(answer: httpx.Response, form: str) -> str:
    """The request key of a form of the page."""
    found = re.search(rf'<form id="{form}".*?name="key" value="([^"]+)"', answer.text, re.DOTALL)
    assert found, answer.text
    return found[1]


def flat(answer: httpx.Response) -> str:
    """The words of a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def errors(answer: httpx.Response, prefix: str = "f") -> set[str]:
    """The fields that something is wrong with."""
    return set(re.findall(rf'id="{prefix}-([\w.]+)-error"', answer.text))


async def followed(browser: Browser, answer: httpx.Response) -> str:
    """The words of the page that a form leads to."""
    assert answer.status_code == 303, answer.text
    return flat(await browser.client.get(answer.headers["location"]))


# -------------------------------------------------------------------------------------------------------------- scan


async def test_a_scan_is_answered_by_a_fragment_and_without_javascript_by_the_page(browser: Browser) -> None:
    bench = browser.bench
    booked = await bench.booked(2)
    given = {"warehouse": bench.place, "key": key()}
    fragment = await browser.fragment(bench.operator, "/returns/scan", **given, scanned=booked.number)
    assert (fragment.status_code, "<html" in fragment.text) == (200, False)
    assert f'name="in_hand" value="{booked.number}" form="scan-form"' in fragment.text
    assert 'data-signal="ok"' in fragment.text
    page = await browser.send(bench.operator, "/returns/scan", **given, code=bench.item.code, in_hand=booked.number)
    assert "<html" in page.text
    assert f"received as unit {booked.number}U1" in flat(page)
    assert "Lamp &lt;b&gt;" in page.text
    for nobody in (bench.exporter, await build.committee()):
        assert (await browser.see(nobody, "/returns/scan")).status_code == 403
        assert (await browser.send(nobody, "/returns/scan", **given, code="X")).status_code == 403
    stranger = await Bench.make()
    foreign = await browser.send(stranger.operator, "/returns/scan", **given, code=booked.number)
    assert foreign.status_code == 404


async def test_the_warehouse_is_chosen_once(browser: Browser) -> None:
    bench = browser.bench
    second = await build.warehouse(bench.operator)
    operator = await build.again(bench.operator)
    assert "Where do you scan?" in flat(await browser.see(operator, "/returns/scan"))
    await browser.see(operator, "/returns/scan", warehouse=second.code)
    kept = await browser.see(operator, "/returns/scan")
    assert f'name="warehouse" value="{second.code}"' in kept.text
    assert f"Change to {bench.place}" in flat(kept)


async def test_lines_are_received_by_form_once(browser: Browser) -> None:
    bench = browser.bench
    booked = await bench.booked(3)
    page = await browser.see(bench.operator, "/returns/scan", in_hand=booked.number)
    typed = {"warehouse": bench.place, "in_hand": booked.number, "key": key_of(page, "receive"), "deed": "some"}
    wrong = await browser.send(bench.operator, "/returns/receive", **typed)
    assert (wrong.status_code, "at least one piece" in flat(wrong)) == (422, True)
    wrong = await browser.send(bench.operator, "/returns/receive", **typed, **{"quantity.1": "4"})
    assert (wrong.status_code, errors(wrong, "receive")) == (422, {"quantity.1"})
    assert "Only 3 of" in flat(wrong)
    for _ in range(2):
        done = await browser.send(bench.operator, "/returns/receive", **typed, **{"quantity.1": "2"})
        assert f"{booked.number}U2" in await followed(browser, done)
    assert (await bench.line(booked))["received"] == 2
    page = await browser.see(bench.operator, "/returns/scan", in_hand=booked.number)
    everything = {**typed, "key": key_of(page, "receive"), "deed": "all"}
    assert f"{booked.number}U3" in await followed(
        browser, await browser.send(bench.operator, "/returns/receive", **everything)
    )
    nothing = await browser.send(bench.operator, "/returns/receive", **{**everything, "key": key()})
    assert (nothing.status_code, "Nothing is outstanding" in flat(nothing)) == (409, True)


async def test_a_receipt_is_closed_when_nothing_more_comes(browser: Browser) -> None:
    bench = browser.bench
    booked = await bench.booked(2)
    typed = {"warehouse": bench.place, "in_hand": booked.number}
    wrong = await browser.send(bench.operator, "/returns/close-receipt", **typed)
    assert (wrong.status_code, errors(wrong, "close")) == (422, {"note"})
    done = await browser.send(bench.operator, "/returns/close-receipt", **typed, note="lost")
    assert "2 pieces are not waited for any more" in await followed(browser, done)


# ---------------------------------------------------------------------------------------------------------- worklists


async def test_worklists_show_what_waits_and_nothing_foreign(browser: Browser) -> None:
    bench = browser.bench
    booked = await bench.booked(1)
    (fresh,), (graded,), (decided,) = await bench.received(1), await bench.graded(), await bench.decided("SCRAP")
    shown = {"to-receive": booked.number, "to-grade": fresh, "to-decide": graded, "to-carry-out": decided}
    stranger = await Bench.make()
    for path, code in shown.items():
        for viewer in (bench.operator, bench.exporter, await build.committee()):
            page = await browser.see(viewer, f"/returns/{path}")
            assert (page.status_code, code in page.text) == (200, True), (path, viewer.kind)
            file = await browser.see(viewer, f"/returns/{path}.csv")
            assert code in file.text
        for viewer in (stranger.operator, stranger.exporter):
            assert code not in (await browser.see(viewer, f"/returns/{path}")).text
            assert code not in (await browser.see(viewer, f"/returns/{path}.csv")).text
    assert (await browser.see(bench.operator, "/returns/to-decide", grade="Z")).status_code == 422
    nothing = await browser.see(bench.operator, "/returns/to-grade", search="R00000000000")
    assert "Nothing fits these filters" in flat(nothing)
    assert 'action="/returns/decide"' in (await browser.see(bench.exporter, "/returns/to-decide")).text
    assert 'action="/returns/decide"' not in (await browser.see(bench.operator, "/returns/to-decide")).text


async def test_lists_ask_no_query_per_row(browser: Browser) -> None:
    bench = browser.bench
    counts = []
    for pieces in (1, 30):
        await bench.graded("B", pieces)
        await browser.see(bench.operator, "/returns/to-decide")
        before = await DB.value("select sum(xact_commit) from pg_stat_database where datname = current_database()")
        asked: list[str] = []
        fetch = DB.fetch

        async def counted(sql: str, *arguments: Any, asked: list[str] = asked, fetch: Any = fetch) -> Any:
            asked.append(sql)
            return await fetch(sql, *arguments)

        DB.fetch = counted  # type: ignore[method-assign]
        try:
            await browser.client.get("/returns/to-decide")
        finally:
            DB.fetch = fetch  # type: ignore[method-assign]
        assert before is not None
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 6


# ------------------------------------------------------------------------------------------------------------- grading


async def test_units_are_graded_by_form_with_photos(browser: Browser) -> None:
    bench = browser.bench
    units = await bench.received(2)
    page = await browser.see(bench.operator, "/returns/grade", units=",".join(units))
    assert page.text.count('type="radio"') > 10
    assert "Is it damaged?" in flat(page)
    typed = {"units": units, "key": key_of(page, "grade"), "next": "/returns/to-grade?search=x"}
    empty = await browser.send(bench.operator, "/returns/grade", **typed)
    assert empty.status_code == 422
    assert errors(empty) == {
        *(f"answers.{name}" for name in checklists.edition().checklist("general")),
        "grade",
        "photos",
    }
    assert "Choose a grade." in flat(empty)
    given = {f"answers.{name}": value for name, value in answers("general", "B").items()}
    too_good = await browser.send(bench.operator, "/returns/grade", photos=2, **typed, **given, grade="A")
    assert (too_good.status_code, errors(too_good)) == (422, {"grade"})
    assert "2 photos are kept already" in flat(too_good)
    kept = re.search(r'name="kept" value="([^"]+)"', too_good.text)
    assert kept
    done = await browser.send(bench.operator, "/returns/grade", **typed, **given, grade="B", kept=kept[1], note="lid")
    assert done.headers["location"] == "/returns/to-grade?search=x"
    assert "2 units are graded B" in await followed(browser, done)
    assert [(await bench.unit(code))["grade"] for code in units] == ["B", "B"]
    shown = await browser.see(bench.exporter, f"/returns/units/{units[0]}")
    files = re.findall(r'<img src="(/files/[^"]+)"', shown.text)
    assert len(files) == 2
    assert (await browser.client.get(files[0])).status_code == 200
    assert (await browser.see(await build.exporter(), files[0])).status_code == 404


async def test_a_foreign_photo_or_unit_is_refused(browser: Browser) -> None:
    bench, stranger = browser.bench, await Bench.make()
    (unit,) = await bench.received(1)
    given = {f"answers.{name}": value for name, value in answers("general").items()}
    foreign = await build.photo(bench.exporter)
    refused = await browser.send(
        bench.operator, "/returns/grade", units=unit, key=key(), kept=foreign, grade="A", **given
    )
    assert (refused.status_code, errors(refused)) == (422, {"photos"})
    assert (await browser.see(stranger.operator, "/returns/grade", units=unit)).status_code == 404
    assert (await browser.see(bench.exporter, "/returns/grade", units=unit)).status_code == 403
    assert (await browser.see(bench.operator, "/returns/grade")).status_code == 303


async def test_a_second_look_is_blind_and_another_persons(browser: Browser) -> None:
    bench = browser.bench
    (unit,) = await bench.graded("D")
    page = await browser.see(bench.exporter, f"/returns/units/{unit}")
    assert "Ask for a second look" in flat(page)
    no = await browser.send(bench.exporter, f"/returns/units/{unit}", deed="regrade")
    assert (no.status_code, errors(no, "regrade")) == (422, {"note"})
    asked = await browser.send(bench.exporter, f"/returns/units/{unit}", deed="regrade", note="was packed well")
    assert "A second look is asked for" in await followed(browser, asked)
    form = await browser.see(bench.colleague, "/returns/grade", units=unit)
    assert "was packed well" in flat(form)
    assert "Looked at before" not in flat(form)
    given = {f"answers.{name}": value for name, value in answers("general").items()}
    own = await browser.send(bench.operator, "/returns/grade", photos=1, units=unit, key=key(), grade="A", **given)
    assert own.status_code == 403
    done = await browser.send(bench.colleague, "/returns/grade", photos=1, units=unit, key=key(), grade="A", **given)
    assert done.status_code == 303
    agreement = await browser.see(bench.operator, "/returns/agreement")
    assert bench.operator.name in flat(agreement)
    assert bench.operator.name not in flat(
        await browser.see(bench.exporter, "/returns/agreement", warehouse=bench.place)
    )
    assert bench.operator.name in (await browser.see(bench.operator, "/returns/agreement.csv")).text
    assert (await browser.see(bench.operator, "/returns/agreement", **{"from": "soon"})).status_code == 422


async def test_the_grades_are_published(browser: Browser) -> None:
    browser.client.cookies.clear()
    page = await browser.client.get("/returns/grades")
    assert page.status_code == 200
    for item_class in checklists.edition().classes.values():
        assert item_class.name["en"] in page.text


# -------------------------------------------------------------------------------------------------- deciding, carrying


async def test_the_owner_decides_for_all_or_for_each(browser: Browser) -> None:
    bench = browser.bench
    good, flawed = await bench.graded("A"), await bench.graded("C")
    units = [*good, *flawed]
    page = await browser.see(bench.exporter, "/returns/decide", units=",".join(units))
    assert "If it went home to China today" in flat(page)
    assert page.text.count('<img src="/files/') == 2
    typed = {"units": units, "key": key_of(page, "decide")}
    none = await browser.send(bench.exporter, "/returns/decide", **typed)
    assert (none.status_code, errors(none)) == (422, {"kind"})
    wrong = await browser.send(bench.exporter, "/returns/decide", **typed, kind="RESTOCK")
    assert (wrong.status_code, errors(wrong)) == (422, {f"kind.{flawed[0]}"})
    each = {f"kind.{flawed[0]}": "SCRAP"}
    done = await browser.send(bench.exporter, "/returns/decide", **typed, kind="RESTOCK", **each)
    assert "2 units are decided" in await followed(browser, done)
    assert [(await bench.unit(code))["disposition"] for code in units] == ["RESTOCK", "SCRAP"]
    twice = await browser.send(bench.exporter, "/returns/decide", **{**typed, "key": key()}, kind="DONATE")
    assert (twice.status_code, "was decided already" in flat(twice)) == (409, True)
    for nobody, status in ((bench.operator, 403), (await build.exporter(), 404)):
        assert (await browser.see(nobody, "/returns/decide", units=good[0])).status_code == status


async def test_a_graded_unit_says_until_when_and_what_happens_without_a_decision(browser: Browser) -> None:
    bench = browser.bench
    (unit,) = await bench.graded("D")
    page = await browser.see(bench.exporter, f"/returns/units/{unit}")
    assert "Without a decision the unit waits on." in flat(page)
    await terms.agree(bench.exporter, "14", {"D": "SCRAP"})
    for viewer, path in (
        (bench.exporter, f"/returns/units/{unit}"),
        (bench.exporter, f"/returns/decide?units={unit}"),
        (bench.operator, f"/returns/units/{unit}"),
    ):
        assert "becomes, as agreed beforehand: Scrap" in flat(await browser.see(viewer, path))
    await dispositions.decide(bench.exporter, [unit], kind="DONATE", request_key=key())
    assert "Without a decision" not in flat(await browser.see(bench.exporter, f"/returns/units/{unit}"))


async def test_decisions_are_carried_out_by_form(browser: Browser) -> None:
    bench = browser.bench
    restocked, scrapped = await bench.decided("RESTOCK"), await bench.decided("SCRAP", "D")
    page = await browser.see(bench.operator, "/returns/carry-out", units=f"{restocked[0]},{scrapped[0]}")
    assert "decided differently" in flat(page)
    assert f'value="{bench.bins[0]}"' in page.text
    typed = {"units": restocked, "key": key_of(page, "carry")}
    wrong = await browser.send(bench.operator, "/returns/carry-out", **typed, location="NOWHERE")
    assert (wrong.status_code, errors(wrong)) == (422, {"location"})
    done = await browser.send(bench.operator, "/returns/carry-out", **typed, location=bench.bins[1])
    assert "1 unit is carried out" in await followed(browser, done)
    page = await browser.see(bench.operator, "/returns/carry-out", units=scrapped[0])
    typed = {"units": scrapped, "key": key_of(page, "carry")}
    wrong = await browser.send(bench.operator, "/returns/carry-out", **typed)
    assert (wrong.status_code, errors(wrong)) == (422, {"method", "photos"})
    done = await browser.send(bench.operator, "/returns/carry-out", photos=1, **typed, method="Crushed")
    assert done.status_code == 303
    number = await DB.value("select number from destruction where owner_id = $1", bench.exporter.organisation_id)
    assert number in (await browser.see(bench.exporter, f"/returns/units/{scrapped[0]}")).text
    assert (await browser.see(bench.exporter, "/returns/carry-out", units=scrapped[0])).status_code == 403


async def test_a_repair_speaks_of_its_return_in_words_and_leads_back(browser: Browser) -> None:
    bench = browser.bench
    (unit,) = await bench.carried_out("REPAIR", "C", reason="defective")
    order = await DB.value("select id from work_order where unit_code = $1", unit)
    page = await browser.see(bench.operator, f"/repairs/{order}")
    assert "Defective" in flat(page)
    assert "defective" not in flat(page)
    assert f'href="/returns/units/{unit}"' in page.text
    listed = await browser.see(bench.exporter, "/repairs")
    assert ("Defective" in flat(listed), "defective" in flat(listed)) == (True, False)


async def test_a_unit_page_offers_each_reader_what_it_may(browser: Browser) -> None:
    bench = browser.bench
    (unit,) = await bench.carried_out("RESTOCK")
    path = f"/returns/units/{unit}"
    assert 'value="undo"' in (await browser.see(bench.operator, path)).text
    assert 'value="undo"' not in (await browser.see(bench.exporter, path)).text
    assert (await browser.send(bench.exporter, path, deed="undo", note="x")).status_code == 403
    assert (await browser.see(await build.exporter(), path)).status_code == 404
    undone = await browser.send(bench.operator, path, deed="undo", note="wrong bin")
    assert "It is undone for 1 unit" in await followed(browser, undone)
    revoked = await browser.send(bench.exporter, path, deed="revoke", note="rather second")
    assert "The decision is taken back" in await followed(browser, revoked)
    shown = flat(await browser.see(bench.exporter, path))
    assert "wrong bin" in shown
    assert "rather second" in shown
    (fresh,) = await bench.received(60)
    split = await browser.send(bench.operator, f"/returns/units/{fresh}", deed="split", quantity="10", of="60")
    assert "10 pieces are unit" in await followed(browser, split)
    (lone,) = await bench.received(1)
    done = await browser.send(bench.operator, f"/returns/units/{lone}", deed="receipt", note="not ours")
    assert "The receipt of 1 unit is reversed" in await followed(browser, done)
    assert (await browser.send(bench.operator, f"/returns/units/{lone}", deed="nonsense")).status_code == 422


async def test_labels_of_units_are_printed(browser: Browser) -> None:
    bench = browser.bench
    units = await bench.received(2)
    booked = await bench.of_unit(units[0])
    for asked in ({"units": units[0]}, {"rma": str(booked.id)}, {"rma": booked.number, "sheet": "yes"}):
        answer = await browser.see(bench.operator, "/returns/unit-labels.pdf", **asked)
        assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    stranger = await Bench.make()
    assert (await browser.see(stranger.operator, "/returns/unit-labels.pdf", units=units[0])).status_code == 404
    assert (await browser.see(stranger.operator, "/returns/unit-labels.pdf", rma=str(booked.id))).status_code == 404


# -------------------------------------------------------------------------------------------- the page of a return, money


async def refund_fields(booked: Booked, page: httpx.Response) -> dict[str, str]:
    return {
        "key": key_of(page, "refund"),
        "line": "1",
        "quantity": "1",
        "amount": "12.50",
        "currency": "eur",
        "refunded_on": clock.business_day(clock.now(), "Europe/Berlin").isoformat(),
        "reference": "PSP-1",
    }


async def test_the_page_of_a_return_shows_its_units_and_money(browser: Browser) -> None:
    bench = browser.bench
    units = await bench.carried_out("RESTOCK")
    booked = await bench.of_unit(units[0])
    path = f"/returns/{booked.id}"
    assert units[0] in (await browser.see(bench.operator, path)).text
    page = await browser.see(bench.exporter, path)
    typed = await refund_fields(booked, page)
    wrong = await browser.send(bench.exporter, f"{path}/refunds", **{**typed, "quantity": "2", "amount": "1.234"})
    assert (wrong.status_code, errors(wrong, "refund")) == (422, {"quantity", "amount"})
    for _ in range(2):
        done = await browser.send(bench.exporter, f"{path}/refunds", **typed)
        assert "The refund is recorded" in await followed(browser, done)
    shown = await browser.see(bench.exporter, path)
    (reverse,) = set(re.findall(rf'action="({path}/refunds/[^"]+/reverse)"', shown.text))
    assert "/reverse" not in (await browser.see(bench.operator, path)).text
    assert "Say why" in await followed(browser, await browser.send(bench.exporter, reverse))
    assert "taken back" in await followed(browser, await browser.send(bench.exporter, reverse, note="bounced"))
    assert (await browser.send(bench.operator, f"{path}/refunds", **typed)).status_code == 403


async def test_worklists_lead_from_the_return_on(browser: Browser) -> None:
    bench = browser.bench
    (fresh,), (graded,), (decided,) = await bench.received(1), await bench.graded(), await bench.decided("SCRAP")
    for viewer, code, link in (
        (bench.operator, fresh, "/returns/grade?units="),
        (bench.exporter, graded, "/returns/decide?rma="),
        (bench.operator, decided, "/returns/carry-out?units="),
    ):
        page = await browser.see(viewer, f"/returns/{(await bench.of_unit(code)).id}")
        assert link in page.text


# ------------------------------------------------------------------------------------------------------------ parcels


async def test_an_unannounced_parcel_is_written_down_and_matched(browser: Browser) -> None:
    bench = browser.bench
    booked = await bench.booked(1, reference="PO-55")
    page = await browser.see(bench.operator, "/returns/parcels/new", warehouse=bench.place, tracking_no="TN-9")
    typed = {"warehouse": bench.place, "key": key_of(page, "parcel")}
    empty = await browser.send(bench.operator, "/returns/parcels/new", **typed)
    assert (empty.status_code, errors(empty)) == (422, {"tracking_no"})
    given = {"tracking_no": "TN-9", "sender": "<i>Özdemir", "contents": "lamp, PO-55"}
    done = await browser.send(bench.operator, "/returns/parcels/new", photos=1, **typed, **given)
    path = done.headers["location"]
    shown = await browser.see(bench.operator, path)
    assert "&lt;i&gt;Özdemir" in shown.text
    assert booked.number in shown.text
    wrong = await browser.send(bench.operator, path, deed="match", number="R00000000000")
    assert (wrong.status_code, errors(wrong, "match")) == (422, {"number"})
    early = await browser.send(bench.operator, path, deed="discard", note="x")
    assert early.status_code == 409
    stranger = await Bench.make()
    for viewer in (stranger.operator, bench.exporter):
        assert (await browser.see(viewer, path)).status_code == 404
    matched = await browser.send(bench.operator, path, deed="match", number=booked.number)
    assert matched.headers["location"] == f"/returns/{booked.id}"
    assert "waits for its return again" in await followed(
        browser, await browser.send(bench.operator, path, deed="unmatch", note="no")
    )
    listed = await browser.see(bench.operator, "/returns/parcels", search="tn-9")
    assert path in listed.text
    assert "TN-9" in (await browser.see(bench.operator, "/returns/parcels.csv")).text
    assert "TN-9" not in (await browser.see(stranger.operator, "/returns/parcels")).text
    assert (await browser.see(bench.operator, "/returns/parcels", state="lost")).status_code == 422


async def test_a_parcel_is_discarded_after_its_time(browser: Browser) -> None:
    bench = browser.bench
    made = await parcels.record(bench.operator, bench.place, Found(sender="x"), request_key=key())
    await DB.run("update blind_parcel set due_at = $2 where id = $1", made.id, clock.now() - timedelta(days=1))
    done = await browser.send(bench.operator, f"/returns/parcels/{made.id}", deed="discard", note="recycled")
    assert "The parcel is discarded" in await followed(browser, done)


async def test_a_scanned_parcel_that_is_unknown_leads_to_the_form(browser: Browser) -> None:
    bench = browser.bench
    await bench.booked(1, parcels=[Parcel(tracking_no="T-1")])
    answer = await browser.send(bench.operator, "/returns/scan", warehouse=bench.place, key=key(), code="T-404 &X")
    assert "/returns/parcels/new?warehouse=" in answer.text
    assert "T-404%20%26X" in answer.text


@pytest.mark.parametrize("language", ["zh_CN", "en", "ar"])
async def test_every_screen_is_made_in_every_language(browser: Browser, language: str) -> None:
    bench = browser.bench
    browser.client.cookies.set("language", language, domain="testserver.local")
    await DB.run(
        "update user_account set language = $1 where id = any($2::bigint[])",
        language,
        [bench.operator.user_id, bench.exporter.user_id],
    )
    booked = await bench.booked(1)
    (fresh,), (graded,), (decided,) = await bench.received(1), await bench.graded("B"), await bench.decided("SCRAP")
    await grading.ask_regrade(bench.exporter, await bench.graded("C"), note="n")
    for viewer, path in (
        (bench.operator, f"/returns/scan?in_hand={booked.number}"),
        (bench.operator, "/returns/to-receive"),
        (bench.operator, "/returns/to-grade"),
        (bench.exporter, "/returns/to-decide"),
        (bench.operator, "/returns/to-carry-out"),
        (bench.operator, f"/returns/grade?units={fresh}"),
        (bench.exporter, f"/returns/decide?units={graded}"),
        (bench.operator, f"/returns/carry-out?units={decided}"),
        (bench.operator, f"/returns/units/{decided}"),
        (bench.exporter, f"/returns/{(await bench.of_unit(graded)).id}"),
        (bench.operator, "/returns/parcels"),
        (bench.operator, "/returns/parcels/new"),
        (bench.operator, "/returns/agreement"),
        (bench.operator, "/returns/grades"),
    ):
        page = await browser.see(viewer, path)
        assert page.status_code == 200, path
        assert f'lang="{language.replace("_", "-")}"' in page.text
    assert values.is_number(booked.number, "R")
