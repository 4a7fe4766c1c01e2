"""Photographs on paper: the right way up, no larger than the paper needs, without what a camera writes beside them."""

import io
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError


class Photograph(msgspec.Struct, frozen=True, kw_only=True):
    """A stored file that is evidence: its SHA-256 in hexadecimal, its size in bytes, when the platform received it.

    `content` is the file itself, None where it is only listed.
    """

    name: str
    sha256: str
    size: int
    stored_at: datetime
    content: bytes | None = None

    @property
    def is_intact(self) -> bool:
        """Whether the content, if it is there, still has the hash."""
        return self.content is None or sha256(self.content).hexdigest() == self.sha256


def listed(files: Sequence[Photograph]) -> list[Photograph]:
    """The same files without their content, each once."""
    once: dict[str, Photograph] = {}
    for file in files:
        once.setdefault(file.sha256, msgspec.structs.replace(file, content=None))
    return list(once.values())


FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


def shrunk(content: bytes | None, width: float, height: float, dpi: int = 200) -> Image.Image | None:
    """A picture for a box of `width` by `height` points, no finer than `dpi`; None for what is none."""
    if not content:
        return None
    box = (int(width / 72 * dpi), int(height / 72 * dpi))
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            image.draft("RGB", (max(box), max(box)))
            upright = ImageOps.exif_transpose(image)
            flat = Image.new("RGB", upright.size, "white")
            layered = upright.convert("RGBA")
            flat.paste(layered, mask=layered.getchannel("A"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return None
    flat.thumbnail(box)
    return flat


def encoded(image: Image.Image) -> io.BytesIO:
    """The picture as JPEG: the same picture gives the same bytes."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=82, optimize=True)
    file.seek(0)
    return file
