"""Files as evidence: what may be brought, who may attach it, who may read it."""

import io

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend.access.rules import Right, Viewer
from backend.core import values
from backend.core.database import DB
from backend.core.errors import Invalid
from backend.files import actions, queries, rules
from backend.files.store import store
from tests import build

PDF = b"%PDF-1.7 test"


def picture(kind: str, width: int, height: int) -> bytes:
    """A grey picture of so many pixels."""
    file = io.BytesIO()
    Image.new("L", (width, height), 128).save(file, kind)
    return file.getvalue()


PNG = picture("PNG", 1, 1)


# ------------------------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (build.PHOTO, "image/jpeg"),
        (PNG, "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (PDF, "application/pdf"),
        (b"MZ\x90\0", None),
        (b"", None),
    ],
)
def test_content_says_what_it_is(data: bytes, kind: str | None) -> None:
    assert rules.media_type_of(data) == kind


@given(st.text(max_size=400))
def test_a_name_is_short_and_has_no_folder(text: str) -> None:
    name = rules.name_of(text)
    assert 0 < len(name) <= 120
    assert "/" not in name
    assert name.isprintable()


# ----------------------------------------------------------------------------------------------------------- actions


@pytest.fixture
async def exporter(database: str) -> Viewer:
    return await build.exporter()


async def test_the_same_content_is_kept_once(exporter: Viewer) -> None:
    first = await actions.take_in(exporter, [("a.jpg", build.PHOTO)])
    again = await actions.take_in(exporter, [("b.jpg", build.PHOTO)])
    assert first == again
    assert await store.read(bytes.fromhex(first[0])) == build.PHOTO
    assert await DB.value("select count(*) from stored_file where hash = $1", bytes.fromhex(first[0])) == 1


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.jpg", b"", "is empty"),
        ("a.exe", b"MZ\x90\0", "neither a photo"),
        ("a.jpg", PDF, "not what its name says"),
        ("a.pdf", build.PHOTO, "not what its name says"),
        ("a.jpg", build.PHOTO + b"\0" * rules.LARGEST_FILE, "larger than 15 MB"),
        ("a.jpg", b"\xff\xd8\xff<html>", "cannot be opened"),
        ("a.jpg", picture("JPEG", 400, 300)[:-200], "cannot be opened"),
        ("a.png", PNG.replace(b"IDAT", b"JDAT"), "cannot be opened"),
        ("a.webp", picture("WEBP", 400, 300)[:-20], "cannot be opened"),
        ("a.png", picture("PNG", 10_001, 5000), "megapixels"),
    ],
)
async def test_a_wrong_file_is_refused_and_nothing_kept(exporter: Viewer, name: str, data: bytes, said: str) -> None:
    before = await DB.value("select count(*) from upload where organisation_id = $1", exporter.organisation_id)
    with pytest.raises(Invalid) as refused:
        await actions.take_in(exporter, [("good.png", PNG), (name, data)])
    assert [said in fault.sentence for fault in refused.value.faults] == [True]
    assert await DB.value("select count(*) from upload where organisation_id = $1", exporter.organisation_id) == before


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_photo_that_opens_is_kept(exporter: Viewer, kind: str) -> None:
    data = picture(kind, 400, 300) + (b"what some cameras write behind it" if kind == "JPEG" else b"")
    (digest,) = await actions.take_in(exporter, [("a", data)], photos_only=True)
    assert await store.read(bytes.fromhex(digest)) == data


async def test_a_document_is_no_photo(exporter: Viewer) -> None:
    with pytest.raises(Invalid):
        await actions.take_in(exporter, [("a.pdf", PDF)], photos_only=True)


async def test_nobody_attaches_what_somebody_else_brought(exporter: Viewer) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    theirs = await build.photo(operator)
    mine = await build.photo(exporter)
    subject = values.new_id()
    where = {"warehouse_id": place.id, "owner_id": exporter.organisation_id, "subject": "rma", "subject_id": subject}
    with pytest.raises(rules.NotYourFile) as refused:
        async with DB.transaction():
            await actions.attach(exporter, [mine, theirs, "nonsense"], **where)
    assert [fault.value for fault in refused.value.faults] == [theirs, b"nonsense".hex()]
    assert await queries.attachments(exporter, place.id, ["rma"], [subject]) == []
    async with DB.transaction():
        await actions.attach(exporter, [mine], **where)
    assert [row["hash"].hex() for row in await queries.attachments(exporter, place.id, ["rma"], [subject])] == [mine]


async def test_a_file_is_read_by_its_owner_its_operator_and_the_committee(
    exporter: Viewer, client: httpx.AsyncClient
) -> None:
    operator = await build.operator()
    place = await build.warehouse(operator)
    digest = await build.photo(exporter, "Motor Ölwanne 照片.jpg")
    subject = values.new_id()
    async with DB.transaction():
        await actions.attach(
            exporter,
            [digest],
            warehouse_id=place.id,
            owner_id=exporter.organisation_id,
            subject="rma",
            subject_id=subject,
        )
    (row,) = await queries.attachments(exporter, place.id, ["rma"], [subject])
    for reader in (exporter, await build.again(operator), await build.committee()):
        await build.sign_in(client, reader)
        answer = await client.get(f"/files/{row['id']}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content.startswith(build.PHOTO)
        assert "filename*=UTF-8''Motor%20%C3%96lwanne" in answer.headers["content-disposition"]
    for stranger in (await build.exporter(), await build.operator()):
        assert await queries.attachments(stranger, place.id, ["rma"], [subject]) == []
        await build.sign_in(client, stranger)
        assert (await client.get(f"/files/{row['id']}")).status_code == 404
        bearer = {"authorization": f"Bearer {await build.token(stranger)}"}
        assert (await client.get(f"/api/v1/files/{row['id']}", headers=bearer)).status_code == 404


@pytest.mark.parametrize(
    ("right", "status"), [(Right.SEE_RETURNS, 403), (Right.BOOK_RETURNS, 201), (Right.REQUEST_SERVICES, 201)]
)
async def test_a_program_that_only_reads_brings_nothing(
    exporter: Viewer, client: httpx.AsyncClient, right: Right, status: int
) -> None:
    bearer = {"authorization": f"Bearer {await build.token(exporter, right)}"}
    assert (await client.post("/api/v1/files", content=build.PHOTO, headers=bearer)).status_code == status


async def test_a_program_brings_a_file(exporter: Viewer, client: httpx.AsyncClient) -> None:
    bearer = {"authorization": f"Bearer {await build.token(exporter)}"}
    answer = await client.post("/api/v1/files", params={"name": "box.jpg"}, content=build.PHOTO, headers=bearer)
    assert answer.status_code == 201
    assert await queries.photos_among(exporter, [answer.json()["hash"], "00", "x"]) == [answer.json()["hash"]]
    large = await client.post("/api/v1/files", content=b"x" * 16_000_000, headers=bearer)
    assert (large.status_code, "15.0" in large.json()["detail"]) == (413, True)
    refused = await client.post("/api/v1/files", params={"name": "box.jpg"}, content=b"text", headers=bearer)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "body"
