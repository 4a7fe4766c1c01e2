"""Photographs on paper: the right way up, no larger than the paper needs, without what a camera writes beside them."""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

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
