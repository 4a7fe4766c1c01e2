"""What a message may be, and who may write it. Pure."""

from collections.abc import Mapping

from backend.access.rules import Kind, Viewer
from backend.core import values
from backend.core.errors import Fault, NotAllowed
from backend.core.text import N_

LONGEST_MESSAGE = 4000

# Where each kind of document is shown.
PATHS: Mapping[str, str] = {
    "return": "/returns/{}",
    "parcel": "/returns/parcels/{}",
    "batch": "/returns/batches/{}",
    "repair": "/repairs/{}",
    "service": "/value-added/{}",
}


class NotInThisThread(NotAllowed):
    """A thread belongs to the owner of the goods and the operator of the warehouse."""

    sentence = N_("Only the exporter and the operator write in this thread; the committee reads it.")


def body(text: str, faults: list[Fault]) -> str:
    """What is written: 1 to 4000 characters; anything else becomes a fault."""
    given = text.strip()
    if not given:
        faults.append(Fault("body", text, N_("Write a message first.")))
    elif len(given) > LONGEST_MESSAGE:
        faults.append(
            Fault(
                "body",
                text[:50],
                N_("A message has at most %(most)s characters. Attach a document instead."),
                {"most": LONGEST_MESSAGE},
            )
        )
    else:
        faults += values.text_faults("body", given, LONGEST_MESSAGE)
    return given


def require_party(viewer: Viewer, warehouse_id: int, owner_id: int) -> None:
    """The viewer belongs to the exporter or to the operator of the document."""
    if viewer.kind is Kind.OPERATOR and warehouse_id in viewer.warehouse_ids:
        return
    if viewer.kind is Kind.EXPORTER and viewer.organisation_id == owner_id:
        return
    raise NotInThisThread
