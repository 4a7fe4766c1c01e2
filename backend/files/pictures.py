"""Whether a picture opens: a file that only begins like a photo is no evidence of anything."""

import asyncio
import io
import math
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from backend.core.errors import Fault
from backend.core.text import N_

MOST_MEGAPIXELS = 50
_FORMATS = ("JPEG", "PNG", "WEBP")
_DAMAGED = N_("The photo “%(name)s” cannot be opened: it is damaged or not complete. Take it, or save it, once more.")
_TOO_FINE = N_(
    "The photo “%(name)s” has %(found)s megapixels, more than %(most)s. Make it smaller, e.g. by taking it with fewer pixels."
)
# One picture at a time: what is unpacked is many times what was sent.
_looker = ThreadPoolExecutor(1, "pictures")


async def fault_of(field: str, name: str, data: bytes) -> Fault | None:
    """What is wrong with a photo whose content begins as one should, or None; the event loop goes on meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_looker, _fault_of, field, name, data)


def _fault_of(field: str, name: str, data: bytes) -> Fault | None:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            megapixels = math.ceil(image.width * image.height / 1_000_000)
            if megapixels <= MOST_MEGAPIXELS:
                # A JPEG is read whole, but unpacked to an eighth.
                image.draft("RGB", (1, 1))
                image.load()
                return None
    except Exception:  # decoders of foreign bytes fail in every way there is
        return Fault(field, name, _DAMAGED, {"name": name})
    return Fault(field, name, _TOO_FINE, {"name": name, "found": megapixels, "most": MOST_MEGAPIXELS})
