"""What may be brought as a file, and what it really is. Pure."""

from typing import ClassVar

from backend.access.rules import Right
from backend.core.errors import Fault, Invalid, NotFound
from backend.core.text import N_

LARGEST_FILE = 15_000_000
MOST_AT_ONCE = 20
PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
DOCUMENTS = frozenset({"application/pdf"})
# Whoever does something of which a file is evidence brings files; whoever may read about it reads them.
READS = frozenset({Right.SEE_RETURNS, Right.SEE_REPAIRS, Right.SEE_SERVICES})
BRINGS = frozenset(
    {
        *(Right.BOOK_RETURNS, Right.DECIDE_RETURNS, Right.HANDLE_RETURNS, Right.DECIDE_REPAIRS, Right.DO_REPAIRS),
        *(Right.REQUEST_SERVICES, Right.DO_SERVICES, Right.HOLD_STOCK),
    }
)
_ENDINGS = {
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "application/pdf": ("pdf",),
}

_EMPTY = N_("The file “%(name)s” is empty. Choose another one.")
_LARGE = N_("The file “%(name)s” is larger than 15 MB. Make it smaller, e.g. by taking the photo with fewer pixels.")
_KIND = N_("“%(name)s” is neither a photo (JPEG, PNG, WebP) nor a PDF. Save it as one of these.")
_LIES = N_("“%(name)s” is not what its name says: its content is %(kind)s. Give the file its right ending.")
_NOT_PHOTO = N_("“%(name)s” is not a photo. Choose a JPEG, PNG or WebP file.")
_FOREIGN = N_(
    "The file %(hash)s was not brought by your organisation. Send the file first, then name it by the hash that comes back."
)
_MANY = N_("At most %(most)s files at once are possible. Send the others afterwards.")


class NoSuchFile(NotFound):
    """There is no such file, or it is not the viewer's to read."""

    sentence: ClassVar[str] = N_("There is no such file in your view. It may belong to somebody else.")


class NotYourFile(Invalid):
    """A hash that the viewer's organisation has not brought."""

    sentence: ClassVar[str] = N_("A file cannot be attached. Nothing was changed.")


def media_type_of(data: bytes) -> str | None:
    """What content begins as: the media type of a JPEG, PNG, WebP or PDF; None for anything else."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    return None


def name_of(text: str) -> str:
    """A file's name without folders and signs that nobody sees, at most 120 characters."""
    plain = "".join(sign for sign in text.replace("\\", "/").rsplit("/", 1)[-1] if sign.isprintable()).strip()
    if len(plain) > 120:
        stem, dot, ending = plain.rpartition(".")
        plain = f"{stem[: 119 - len(ending)]}{dot}{ending}" if dot and len(ending) < 10 else plain[:120]
    return plain or "file"


def checked(field: str, name: str, data: bytes, faults: list[Fault]) -> str:
    """The media type of a file that may be brought; everything else becomes a fault."""
    facts = {"name": name}
    kind = media_type_of(data)
    if not data:
        faults.append(Fault(field, name, _EMPTY, facts))
    elif len(data) > LARGEST_FILE:
        faults.append(Fault(field, name, _LARGE, facts))
    elif kind is None:
        faults.append(Fault(field, name, _KIND, facts))
    else:
        stem, _, ending = name.rpartition(".")
        known = [endings for endings in _ENDINGS.values() if ending.lower() in endings]
        if stem and known and ending.lower() not in _ENDINGS[kind]:
            faults.append(Fault(field, name, _LIES, {**facts, "kind": kind}))
    return kind or ""


def photo_fault(field: str, name: str) -> Fault:
    """The fault of a document where a photo is wanted."""
    return Fault(field, name, _NOT_PHOTO, {"name": name})


def foreign_fault(field: str, digest: str) -> Fault:
    """The fault of a hash that the viewer's organisation has not brought."""
    return Fault(field, digest, _FOREIGN, {"hash": digest[:64]})


def count_fault(field: str, count: int) -> Fault:
    """The fault of too many files at once."""
    return Fault(field, count, _MANY, {"most": MOST_AT_ONCE})
