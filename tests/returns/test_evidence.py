"""What proves a return: the pack with everything that is known, its hashes, records of destruction, and who may see them."""

import hashlib
import io
import json
import uuid
import zipfile
from decimal import Decimal

import httpx
import pytest

from backend.access.rules import Viewer
from backend.core import clock, text
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.files.store import store
from backend.messages import actions as messages
from backend.returns import carrying_out, dispositions, evidence, grading, refunds, rules
from backend.returns.actions import Booked
from frontend.returns import proof
from tests import build
from tests.returns.bench import Bench, key


@pytest.fixture
async def bench(database: str) -> Bench:
    return await Bench.make()


async def story(bench: Bench) -> Booked:
    """A return with two units: one looked at twice and scrapped, one sold as second grade; messages and a refund."""
    first, second = await bench.received(2, serials=["S-1", "S-2"])
    booked = await bench.of_unit(first)
    await grading.grade(bench.operator, await bench.look([first], "C", note="cracked"), request_key=key())
    await grading.ask_regrade(bench.exporter, [first], note="look again, please")
    await grading.grade(bench.colleague, await bench.look([first], "D", bench.colleague), request_key=key())
    await grading.grade(bench.operator, await bench.look([second], "B"), request_key=key())
    await dispositions.decide(bench.exporter, [first], kind="SCRAP", note="not worth it", request_key=key())
    await dispositions.decide(bench.exporter, [second], kind="SECOND", request_key=key())
    await carrying_out.carry_out(bench.operator, [first], await bench.deed("SCRAP"), request_key=key())
    await carrying_out.carry_out(bench.operator, [second], await bench.deed("SECOND"), request_key=key())
    given = refunds.Given(
        line_no=1, quantity=1, amount=Decimal("10.50"), currency="EUR", refunded_on=clock.now().date()
    )
    await refunds.refund(bench.exporter, booked.id, given, request_key=key())
    await messages.write(
        bench.exporter,
        warehouse_id=bench.warehouse.id,
        owner_id=bench.exporter.organisation_id,
        subject="return",
        subject_id=booked.id,
        number=booked.number,
        body="The buyer disputes the grade.",
        files=[await build.photo(bench.exporter, "chat.jpg")],
        request_key=key(),
    )
    return booked


async def strangers() -> tuple[Viewer, Viewer]:
    """An exporter and an operator who have nothing to do with it."""
    other = await build.operator()
    await build.warehouse(other)
    return await build.exporter(), await build.again(other)


async def test_everything_known_is_gathered(bench: Bench) -> None:
    booked = await story(bench)
    for viewer in (bench.exporter, bench.operator, await build.committee()):
        found = await evidence.gather(viewer, booked.id)
        assert (len(found.units), len(found.looks), len(found.decisions)) == (2, 3, 2)
        assert len(found.refunds) == len(found.messages) == 1
        first, second = found.units
        assert [look["grade"] for look in found.looks_of[first["id"]]] == ["D", "C"]
        assert len(found.photos_of(first["id"])) == 2 * len(found.photos_of(second["id"]))
        assert {file["subject"] for file in found.others} == {"destruction", "message"}
    for stranger in await strangers():
        with pytest.raises(rules.NoSuchReturn):
            await evidence.gather(stranger, booked.id)


async def test_a_part_that_was_split_off_shares_the_looks_from_before(bench: Bench) -> None:
    (whole,) = await bench.received(60)
    booked = await bench.of_unit(whole)
    await grading.grade(bench.operator, await bench.look([whole], "C"), request_key=key())
    part = await grading.split(bench.operator, whole, quantity=20, of=60)
    await grading.grade(bench.operator, await bench.look([part], "D", note="worse"), request_key=key())
    found = await evidence.gather(bench.exporter, booked.id)
    grades = {unit["code"]: [look["grade"] for look in found.looks_of[unit["id"]]] for unit in found.units}
    assert grades == {whole: ["C"], part: ["D", "C"]}


async def test_the_timeline_tells_it_in_the_order_of_time(bench: Bench) -> None:
    booked = await story(bench)
    events = proof.timeline(await evidence.gather(bench.exporter, booked.id))
    assert events == sorted(events, key=lambda event: event.at)
    said = [text.say(event.sentence, event.facts) for event in events]
    for beginning in (
        *("The return was booked", "Unit ", "Look 1 at unit", "Look 2 at unit", "Its owner decided"),
        *(
            "The decision for unit",
            "10.50 EUR were given back",
            f"Exporter {bench.exporter.organisation_code[3:]} wrote",
        ),
    ):
        assert any(each.startswith(beginning) for each in said), (beginning, said)
    assert any("under D" in each for each in said)
    assert any("of the ledger" in event.note for event in events)
    with text.speaking("zh_CN"):
        kind = next(event.facts["kind"] for event in events if "kind" in event.facts)
        assert str(kind) != "Scrap"


async def test_what_was_undone_is_told_too(bench: Bench) -> None:
    (unit,) = await bench.carried_out("RESTOCK")
    booked = await bench.of_unit(unit)
    await carrying_out.undo(bench.operator, unit, note="wrong bin")
    await dispositions.revoke(bench.exporter, [unit], note="changed my mind")
    events = proof.timeline(await evidence.gather(bench.exporter, booked.id))
    said = [text.say(event.sentence, event.facts) for event in events]
    assert any(each.startswith("What was done with unit") for each in said)
    assert any("was revoked" in each for each in said)


async def test_the_zip_holds_every_file_with_its_hash_and_is_known_later(
    client: httpx.AsyncClient, bench: Bench
) -> None:
    booked = await story(bench)
    browser = await build.sign_in(client, bench.operator)
    paper = await browser.get(f"/returns/{booked.id}/evidence.pdf", params={"language": "ar"})
    assert (paper.content[:5], f"{booked.number}-ar" in paper.headers["content-disposition"]) == (b"%PDF-", True)
    saved = await browser.get(f"/returns/{booked.id}/evidence.zip", params={"language": "zh_CN"})
    assert saved.headers["content-type"] == "application/zip"
    pack = zipfile.ZipFile(io.BytesIO(saved.content))
    assert pack.testzip() is None
    assert pack.namelist()[:3] == [f"{booked.number}-zh-CN.pdf", f"{booked.number}-en.pdf", "manifest.json"]
    listed = pack.read("manifest.json")
    content = json.loads(listed)
    assert (content["subject"], content["number"], content["made_by"]) == (
        "return",
        booked.number,
        bench.operator.organisation_code,
    )
    assert content["made_at"].endswith("+00:00")
    for file in content["files"]:
        data = pack.read(file["path"])
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (file["sha256"], file["size"])
    photos = [file for file in content["files"] if file["path"].startswith("photos/")]
    assert {file["of"] for file in photos} == {f"{booked.number}U1", f"{booked.number}U2"}
    digest = hashlib.sha256(listed).hexdigest()
    page = await browser.get("/returns/evidence", params={"hash": digest.upper()})
    assert (page.status_code, "This pack was made here" in page.text, booked.number in page.text) == (200, True, True)
    token = next(value for name, value in browser.cookies.items() if name.startswith("luocang_csrf_"))
    sent = await browser.post(
        "/returns/evidence", data={"_csrf_token": token}, files={"file": ("manifest.json", listed, "application/json")}
    )
    assert "This pack was made here" in sent.text
    changed = await browser.post(
        "/returns/evidence",
        data={"_csrf_token": token},
        files={"file": ("manifest.json", listed.replace(b"photos/", b"others/"), "application/json")},
    )
    assert (changed.status_code, "No pack with this hash" in changed.text) == (422, True)
    for stranger in await strangers():
        browser = await build.sign_in(client, stranger)
        assert (await browser.get("/returns/evidence", params={"hash": digest})).status_code == 422


async def test_a_photo_that_is_gone_is_said_to_be_missing(client: httpx.AsyncClient, bench: Bench) -> None:
    (unit,) = await bench.graded("B")
    booked = await bench.of_unit(unit)
    found = await evidence.gather(bench.exporter, booked.id)
    lost = found.photos_of(found.units[0]["id"])[0]
    store.path(lost["hash"]).unlink()
    browser = await build.sign_in(client, bench.exporter)
    saved = await browser.get(f"/returns/{booked.id}/evidence.zip")
    pack = zipfile.ZipFile(io.BytesIO(saved.content))
    files = {file["sha256"]: file for file in json.loads(pack.read("manifest.json"))["files"]}
    assert files[lost["hash"].hex()]["missing"] is True
    assert files[lost["hash"].hex()]["path"] not in pack.namelist()


async def test_only_so_many_photos_are_printed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    booked = await story(bench)
    found = await evidence.gather(bench.exporter, booked.id)
    monkeypatch.setattr(proof, "MOST_PRINTED", 1)
    printed = await proof.photographs(found.files)
    assert sum(each.content is not None for each in printed.values()) == 1
    assert len(printed) == len(found.files)


async def test_strangers_get_no_paper(client: httpx.AsyncClient, bench: Bench) -> None:
    booked = await story(bench)
    record = await DB.value("select id from destruction where owner_id = $1", bench.exporter.organisation_id)
    for stranger in await strangers():
        browser = await build.sign_in(client, stranger)
        for path in (
            *(f"/returns/{booked.id}/evidence.pdf", f"/returns/{booked.id}/evidence.zip"),
            *(f"/returns/destructions/{record}", f"/returns/destructions/{record}/record.pdf"),
        ):
            assert (await browser.get(path)).status_code == 404, path
        bearer = {"Authorization": f"Bearer {await build.token(stranger)}"}
        for path in (f"/returns/{booked.id}/evidence", f"/returns/destructions/{record}/record"):
            assert (await client.get(f"/api/v1{path}", headers=bearer)).status_code == 404, path
        assert str(record) not in (await browser.get("/returns/destructions")).text
        number = await DB.value("select number from destruction where id = $1", record)
        assert number not in (await browser.get("/returns/destructions.csv")).text
    assert (await client.get(f"/api/v1/returns/{booked.id}/evidence")).status_code == 401


async def test_a_record_of_destruction_is_shown_and_printed(client: httpx.AsyncClient, bench: Bench) -> None:
    units = await bench.carried_out("SCRAP", "D", 2)
    record = await DB.value("select id from destruction where owner_id = $1", bench.exporter.organisation_id)
    browser = await build.sign_in(client, bench.exporter)
    listed = await browser.get("/returns/destructions", params={"kind": "SCRAP"})
    assert f"/returns/destructions/{record}" in listed.text
    page = (await browser.get(f"/returns/destructions/{record}")).text
    for expected in (*units, "Crushed", "Notary", "Decided by the owner"):
        assert expected in page, expected
    paper = await browser.get(f"/returns/destructions/{record}/record.pdf")
    assert paper.content[:5] == b"%PDF-"
    await carrying_out.undo(bench.operator, units[0], note="the photo shows another unit")
    page = (await browser.get(f"/returns/destructions/{record}")).text
    assert "was undone afterwards" in page
    assert "Undone" in (await browser.get("/returns/destructions")).text
    assert (await browser.get("/returns/destructions", params={"kind": "LOST"})).status_code == 422
    assert (await browser.get(f"/returns/destructions/{uuid.uuid4()}")).status_code == 404
    with pytest.raises(Invalid):
        evidence.record_clauses(bench.exporter, {"kind": "LOST"})


async def test_programs_fetch_the_same(client: httpx.AsyncClient, bench: Bench) -> None:
    booked = await story(bench)
    bearer = {"Authorization": f"Bearer {await build.token(bench.exporter)}"}
    saved = await client.get(f"/api/v1/returns/{booked.id}/evidence", headers=bearer)
    digest = hashlib.sha256(zipfile.ZipFile(io.BytesIO(saved.content)).read("manifest.json")).hexdigest()
    known = await client.get(f"/api/v1/returns/evidence/{digest}", headers=bearer)
    assert (known.json()["number"], known.json()["subject"]) == (booked.number, "return")
    assert (await client.get(f"/api/v1/returns/evidence/{'0' * 64}", headers=bearer)).status_code == 404
    record = await DB.value("select id from destruction where owner_id = $1", bench.exporter.organisation_id)
    paper = await client.get(f"/api/v1/returns/destructions/{record}/record", headers=bearer)
    assert paper.content[:5] == b"%PDF-"
