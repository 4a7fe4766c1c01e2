"""Codes that scanners read: QR by segno, Code 128 by ReportLab, drawn as vectors in whole dots of a label printer."""

from functools import lru_cache

import segno
from reportlab.graphics.barcode.code128 import Code128, Code128Auto
from reportlab.lib.colors import black
from reportlab.pdfgen.canvas import Canvas

from backend.core.errors import Conflict
from backend.core.text import N_

DOT = 72 / 203  # points; the coarsest label printers in use
_QUIET_QR = 4  # modules
_QUIET_BARS = 10
_FEWEST_DOTS = 2


class TooMuchForCode(Conflict):
    """More than a code of the size there is room for can hold so that a scanner reads it."""

    sentence = N_("The address is too long for a code that can be scanned. Shorten the web address of the platform.")


@lru_cache(maxsize=256)
def _matrix(content: str) -> tuple[bytes, ...]:
    # Modules of level M survive a crease; segno raises the level where the size stays the same.
    return tuple(bytes(row) for row in segno.make_qr(content, error="m").matrix)


def qr_size(content: str, dots: int = 4) -> float:
    """The side of the dark square in points, at `dots` of a 203 dpi printer a module; leave `quiet` around it."""
    return len(_matrix(content)) * dots * DOT


def quiet(dots: int) -> float:
    """How much must stay white around a QR code."""
    return _QUIET_QR * dots * DOT


def dots_for(content: str, side: float) -> int:
    """The most whole dots a module may have for the dark square to fit `side` points; refused below 2."""
    try:
        dots = int(side / qr_size(content, 1) + 1e-6)
    except segno.DataOverflowError:
        dots = 0
    if dots < _FEWEST_DOTS:
        raise TooMuchForCode
    return dots


def draw_qr(canvas: Canvas, content: str, x: float, top: float, dots: int = 4) -> None:
    """Draw a QR code, the upper left corner of its dark square at `x`, `top`."""
    module, y = dots * DOT, top
    path = canvas.beginPath()
    for row in _matrix(content):
        y -= module
        start = None
        for at, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = at
            elif not dark and start is not None:
                path.rect(x + start * module, y, (at - start) * module, module)
                start = None
    canvas.setFillColor(black)
    canvas.drawPath(path, stroke=0, fill=1)


def bars(code: str, room: float, height: float) -> Code128 | None:
    """`code` as Code 128 that fits `room` points with its quiet zones, at 3 dots a module, else 2.

    None where Code 128 cannot say the code, or is wider: the QR beside it says the same.
    """
    if not code.isascii() or not code.isprintable():
        return None
    for dots in (3, 2):
        module = dots * DOT
        made = [
            kind(code, barWidth=module, barHeight=height, lquiet=_QUIET_BARS * module, rquiet=_QUIET_BARS * module)
            for kind in (Code128Auto, Code128)
        ]
        narrowest = min(made, key=lambda each: float(each.width))
        if narrowest.width <= room + 1e-6:
            return narrowest
    return None


def draw_bars(canvas: Canvas, code: Code128, x: float, top: float) -> None:
    """Draw bars with their upper left corner, quiet zone included, at `x`, `top`."""
    canvas.setFillColor(black)
    code.drawOn(canvas, x, top - code.barHeight)
