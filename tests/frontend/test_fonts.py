"""The fonts of printed documents are the built ones, byte for byte, each with its licence and names of its own."""

import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from frontend import typeface

FONTS = typeface.FONTS
MANIFEST: dict[str, dict[str, Any]] = json.loads((FONTS / "manifest.json").read_bytes())


def digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def test_every_file_is_the_built_one_with_its_licence() -> None:
    files = {file.name for file in FONTS.iterdir() if file.is_file()}
    licences = {entry["licence"] for entry in MANIFEST.values()}
    assert files == {*MANIFEST, *licences, "manifest.json", "build.py"}
    for file, entry in MANIFEST.items():
        assert entry["sha256"] == digest(FONTS / file)
        assert entry["licence_sha256"] == digest(FONTS / entry["licence"])
        assert "SIL Open Font License, Version 1.1" in (FONTS / entry["licence"]).read_text(encoding="utf-8")
        assert len(entry["source_sha256"]) == 64


def test_they_stay_small() -> None:
    assert sum(file.stat().st_size for file in FONTS.glob("*.ttf")) < 13_000_000


def names(file: Path) -> dict[int, set[str]]:
    """The name records of a TrueType file by their id."""
    content = file.read_bytes()
    count = struct.unpack(">H", content[4:6])[0]
    tables = (content[12 + 16 * at : 28 + 16 * at] for at in range(count))
    start = next(struct.unpack(">L", table[8:12])[0] for table in tables if table[:4] == b"name")
    records, strings = struct.unpack(">HH", content[start + 2 : start + 6])
    found: dict[int, set[str]] = {}
    for at in range(records):
        platform, _, _, name, length, offset = struct.unpack(">6H", content[start + 6 + 12 * at : start + 18 + 12 * at])
        said = content[start + strings + offset :][:length]
        found.setdefault(name, set()).add(said.decode("utf-16-be" if platform == 3 else "mac-roman"))
    return found


def test_no_two_fonts_share_a_name() -> None:
    """ReportLab would draw both with the first."""
    postscript = {file: names(FONTS / file)[6] for file in MANIFEST}
    assert postscript == {file: {file.removesuffix(".ttf")} for file in MANIFEST}
    assert all(names(FONTS / file)[2] == {file.removesuffix(".ttf").split("-")[1]} for file in MANIFEST)


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("NotoSans-Regular.ttf", "AzéüșđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹАяёїғқңөұүһіαω€₽₫–—“”"),
        ("Tajawal-Regular.ttf", "ابتثجحخدذرزسشصضطظعغفقكلمنهويىءآأإؤئةًٌٍَُِّْ،؛؟"),
        ("Tajawal-Bold.ttf", "ابتثجحخدذرزسشصضطظعغفقكلمنهويىءآأإؤئةًٌٍَُِّْ،؛؟"),
        ("NotoSansArabic-Regular.ttf", "پچژگکیٹڈڑںےھہۓڕڵۆێە٪٫٬"),
        ("NotoSansThai-Regular.ttf", "กขคงจฉชซญฐณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮะัาำิีึืุูเแโใไ็่้๊๋์"),
        ("NotoSansSC-Regular.ttf", "洛阳海外仓退货喆堃昇瑄赟䶮㛃㻬䜣𬭎𬱖龘、。「」《》（）％臺灣體"),
        ("NotoSansSC-Bold.ttf", "洛阳海外仓退货证明、。「」《》（）"),
        ("NotoSansKR-Regular.ttf", "김철수한국어"),
        ("NotoSansHebrew-Regular.ttf", "דודלוי"),
    ],
)
def test_they_cover_what_names_are_made_of(file: str, wanted: str) -> None:
    assert not [char for char in wanted if ord(char) not in typeface.font(file).covers]


def test_every_character_of_gbk_can_be_printed() -> None:
    """What a Chinese computer of any age can write; ≒ (U+2252) is in no font of the family."""
    missing = []
    for code in range(0x80, 0x10000):
        char = chr(code)
        if len(char.encode("gbk", "ignore")) == 2 and char != "≒":
            try:
                typeface.choose(char, False)
            except typeface.NotPrintable:
                missing.append(char)
    assert not missing


def test_fonttools_is_no_need_of_the_platform() -> None:
    project = (FONTS.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert "fonttools" not in project
