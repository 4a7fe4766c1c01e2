"""Which kinds of documents jobs have and offers ask for. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from backend.core.errors import Fault
from backend.core.text import N_


class DocumentKind(StrEnum):
    """What a document of a job is."""

    INVOICE = "invoice"
    PACKING_LIST = "packing_list"
    DECLARATION = "declaration"
    STOCKING_ORDER = "stocking_order"
    ORIGIN = "origin"
    TRANSPORT = "transport"
    AUTHORITY = "authority"
    REGISTRATION = "registration"
    SAFETY = "safety"
    CONFORMITY = "conformity"
    BRAND = "brand"
    ARTWORK = "artwork"
    CONTRACT = "contract"
    POLICY = "policy"
    STATEMENT = "statement"
    RELEASE = "release"
    OTHER = "other"


DOCUMENT_NAMES: Mapping[DocumentKind, str] = {
    DocumentKind.INVOICE: N_("Commercial invoice"),
    DocumentKind.PACKING_LIST: N_("Packing list"),
    DocumentKind.DECLARATION: N_("Export declaration"),
    DocumentKind.STOCKING_ORDER: N_("Stocking order"),
    DocumentKind.ORIGIN: N_("Certificate of origin"),
    DocumentKind.TRANSPORT: N_("Transport document"),
    DocumentKind.AUTHORITY: N_("Power of attorney"),
    DocumentKind.REGISTRATION: N_("Tax or importer registration"),
    DocumentKind.SAFETY: N_("Safety data sheet"),
    DocumentKind.CONFORMITY: N_("Declaration of conformity"),
    DocumentKind.BRAND: N_("Brand authorisation"),
    DocumentKind.ARTWORK: N_("Label or packaging artwork"),
    DocumentKind.CONTRACT: N_("Contract or agreement"),
    DocumentKind.POLICY: N_("Insurance policy"),
    DocumentKind.STATEMENT: N_("Inventory statement"),
    DocumentKind.RELEASE: N_("Release letter"),
    DocumentKind.OTHER: N_("Other document"),
}


def document_kind(field: str, text: str, faults: list[Fault]) -> DocumentKind:
    """A kind of document; anything else becomes a fault."""
    if text not in list(DocumentKind):
        faults.append(
            Fault(
                field,
                text,
                N_("“%(value)s” is not a kind of document. Choose one of: %(choices)s."),
                {"value": text, "choices": list(DocumentKind)},
            )
        )
        return DocumentKind.OTHER
    return DocumentKind(text)
