"""Photos and papers of the demo network: a drawn product on a bench, with the label that the camera saw; a scanned page. Pure."""

import colorsys
import io

from PIL import Image, ImageDraw

SIZE = (640, 480)
_BENCH, _WALL, _INK, _PAPER = (196, 186, 170), (226, 230, 233), (38, 42, 46), (250, 250, 246)


def photo(label: str, subject: str, *, flaw: bool = False, turn: int = 0) -> bytes:
    """A JPEG of a product (`subject` is its code: it has its own colour and shape) with a label; `flaw` shows damage."""
    seed = sum(map(ord, subject))
    hue, shape = seed % 12 / 12, seed % 3
    red, green, blue = (int(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.35, 0.72))
    image = Image.new("RGB", SIZE, _WALL)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 330, 640, 480), fill=_BENCH)
    left, top = 170 + 12 * (turn % 5), 110 - 6 * (turn % 3)
    box = (left, top, left + 300, top + 260)
    if shape == 0:
        draw.rounded_rectangle(box, 14, fill=(red, green, blue), outline=_INK, width=4)
        for drawer in (1, 2):
            y = top + 260 * drawer // 3
            draw.line((left, y, left + 300, y), fill=_INK, width=3)
            draw.rounded_rectangle((left + 120, y - 45, left + 180, y - 33), 5, fill=_INK)
    elif shape == 1:
        draw.ellipse(box, fill=(red, green, blue), outline=_INK, width=4)
        draw.ellipse((left + 90, top + 78, left + 210, top + 182), fill=_WALL, outline=_INK, width=4)
    else:
        draw.polygon(
            (
                (left + 40, top + 260),
                (left, top + 80),
                (left + 150, top),
                (left + 300, top + 80),
                (left + 260, top + 260),
            ),
            fill=(red, green, blue),
            outline=_INK,
            width=4,
        )
        draw.rectangle((left + 110, top + 120, left + 190, top + 200), fill=_WALL, outline=_INK, width=4)
    if flaw:
        crack = ((left + 210, top + 20), (left + 180, top + 70), (left + 222, top + 110), (left + 190, top + 170))
        draw.line(crack, fill=(160, 32, 24), width=6, joint="curve")
        draw.ellipse((left + 160, top + 10, left + 245, top + 185), outline=(200, 40, 30), width=4)
    draw.rectangle((190, 400, 450, 450), fill=_PAPER, outline=_INK, width=2)
    draw.text((320, 425), label, fill=_INK, anchor="mm", font_size=22)
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=60)
    return kept.getvalue()


def paper(title: str) -> bytes:
    """A scanned page as PDF: its title, lines of writing, a stamp and a signature."""
    image = Image.new("L", (620, 877), 252)
    draw = ImageDraw.Draw(image)
    draw.text((60, 70), title, fill=20, font_size=24)
    draw.line((60, 112, 560, 112), fill=90, width=2)
    seed = sum(map(ord, title))
    for line in range(22):
        y, length = 150 + 26 * line, 240 + (seed * (line + 7)) % 250
        draw.line((60, y, 60 + length, y), fill=150, width=5)
    draw.ellipse((400, 740, 500, 840), outline=110, width=4)
    draw.line((80, 800, 130, 770, 150, 815, 200, 780, 260, 800), fill=40, width=3, joint="curve")
    kept = io.BytesIO()
    image.save(kept, "PDF", resolution=75)
    return kept.getvalue()
