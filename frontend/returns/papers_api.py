"""Papers of returns and batches for machines: evidence packs, records of destruction, packs for customs; and the check of a pack."""

import uuid
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath
from litestar.response import Stream

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.returns import archive
from frontend.returns import pack, proof, records


class KnownPack(msgspec.Struct):
    """A pack that was made here: what it is about, when, by which organisation, and how many files it lists."""

    subject: str
    id: uuid.UUID
    number: str
    made_at: datetime
    organisation: str
    files: int


@get(
    "/returns/{rma_id:uuid}/evidence",
    tags=["Returns"],
    summary="The evidence pack of a return",
    description="A ZIP with the pack as PDF (in the language asked for and in English), every photo and paper, and "
    "manifest.json with the SHA-256 of each; its own SHA-256 is kept, see `/returns/evidence/{sha256}`.",
    media_type="application/zip",
)
async def evidence_of_return(request: Request[Any, Any, Any], rma_id: FromPath[uuid.UUID]) -> Stream:
    """The ZIP of a return."""
    return await proof.zipped(request, _reader(request), rma_id)


@get(
    "/returns/evidence/{digest:str}",
    tags=["Returns"],
    summary="Check an evidence pack",
    description="By the SHA-256 of its manifest.json; 404 when no such pack was made here for goods in view.",
)
async def known_pack(request: Request[Any, Any, Any], digest: FromPath[str]) -> KnownPack:
    """What is known of a pack."""
    found = await archive.recorded(_reader(request), digest)
    return KnownPack(
        subject=found["subject"],
        id=uuid.UUID(found["id"]),
        number=found["number"],
        made_at=datetime.fromisoformat(found["made_at"]),
        organisation=found["organisation"],
        files=found["files"],
    )


@get(
    "/returns/destructions/{record_id:uuid}/record",
    tags=["Returns"],
    summary="The record of what was destroyed or given away",
    media_type="application/pdf",
)
async def record_of_destruction(request: Request[Any, Any, Any], record_id: FromPath[uuid.UUID]) -> Response[bytes]:
    """The record as PDF."""
    return await records.printed(request, _reader(request), record_id)


@get(
    "/returns/batches/{batch_id:uuid}/papers",
    tags=["Batches home"],
    summary="The papers of a batch home",
    description="A ZIP with the pack for customs as PDF (in Chinese and in the language asked for), papers, photos, hashes.",
    media_type="application/zip",
)
async def papers_of_batch(request: Request[Any, Any, Any], batch_id: FromPath[uuid.UUID]) -> Stream:
    """The ZIP of a batch."""
    return await pack.zipped(request, _reader(request), batch_id)


def _reader(request: Request[Any, Any, Any]) -> Viewer:
    return access_rules.require(request.user, Right.SEE_RETURNS)


router = Router(path="/api/v1", route_handlers=[evidence_of_return, known_pack, record_of_destruction, papers_of_batch])
