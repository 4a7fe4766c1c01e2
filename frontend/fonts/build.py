"""Build the fonts of the printed documents: `python build.py FOLDER` here, with fontTools 4.68 or newer installed.

FOLDER holds, at any depth, the source files named in `FONTS`, each with its licence (LICENSE_FONT or LICENSE) beside it or
one folder above. Variable fonts become static instances, large ones are cut to the characters of names and goods; every
file gets names of its own, because ReportLab takes two fonts with one PostScript name for one. The result is committed
with its licences and a manifest of hashes, so running the platform needs neither fontTools nor the sources.
"""

import json
import sys
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

HERE = Path(__file__).resolve().parent
# What shaping needs; small capitals, fractions and vertical forms are left out.
FEATURES = [
    *("ccmp", "locl", "mark", "mkmk", "kern", "init", "medi", "fina", "isol", "rlig", "calt"),
    *("abvf", "abvm", "abvs", "akhn", "blwf", "blwm", "blws", "cfar", "cjct", "dist", "half", "haln"),
    *("nukt", "pref", "pres", "psts", "pstf", "rkrf", "rphf", "vatu"),
]
# Han characters of extension A that modern names and goods use, most of them from the table 通用规范汉字表 of 2013.
TABLE_A = (
    "㑇㑊㕮㘎㘓㘚㙍㙘㙦㛃㛚㛹㟃㠇㠓㤘㥄㧐㧑㧟㫰㬊㬎㬚㭎㭕㮾㰀㳇㳘㳚㴔㵐㶲㸆㸌㺄㻬㽏㿠䀹䁖䂮䃅䃎䅟䌹䎃䎖䏝䏡䏲䐃䓖䓛䓨䓫䓬䗖䗛䗪䗴"
    "䜣䝙䢺䢼䣘䥽䦃䲟䲠䲢䴓䴔䴕䴖䴗䴘䴙䶮㐱㑩㓥㔉㖊㖞㘔㚻㛠㛤㜣㞧㟆㠆㤅㦎㧏㧪㨃㨗㩳㩻㪚㫚㬉㬢㭘㮸㰖㱮㳠㳡㳽㴋㶉㶽㸃㹴㺀㻋㻫㼆㽘㿗䀲䁀䂵䃟䇲䍁䎬䏰"
)


def encodable(codec: str) -> set[int]:
    """Every character beyond ASCII that the double-byte `codec` has a code for."""
    return {code for code in range(0x80, 0x10000) if len(chr(code).encode(codec, "ignore")) == 2}


def names_of_china(has: set[int]) -> set[int]:
    """GBK and all that GB 18030 and Big5 add in the basic block, the rare characters of names, kana, symbols."""
    left_out = set(range(0x2E80, 0x2FF0)) | set(range(0x3400, 0x4DC0))  # radicals and extension A
    return has - (left_out - set(map(ord, TABLE_A)))


def common_chinese(has: set[int]) -> set[int]:
    """GB 2312: what headings say; other characters fall back to the regular weight."""
    return has & (encodable("gb2312") | set(range(0x20, 0x7F)) | set(range(0x2010, 0x2040)))


def hangul(has: set[int]) -> set[int]:
    """The Korean syllables and letters of KS X 1001."""
    return {c for c in has & encodable("euc_kr") if 0x3130 <= c < 0x3190 or 0xAC00 <= c < 0xD7A4}


def european(has: set[int]) -> set[int]:
    """Latin, Greek and Cyrillic, signs and symbols: Devanagari has a font of its own."""
    return {
        c
        for c in has
        if not (0x900 <= c < 0x980 or 0x1CD0 <= c < 0x1D00 or 0xA830 <= c < 0xA840 or 0xA8E0 <= c < 0xA900)
    }


def everything(has: set[int]) -> set[int]:
    """All characters that the font has."""
    return has


def script(*ranges: tuple[int, int]) -> Callable[[set[int]], Iterable[int]]:
    """The letters of one script, with the signs that several scripts share."""

    def kept(has: set[int]) -> set[int]:
        return {c for c in has if c in (0x964, 0x965, 0x200C, 0x200D) or any(a <= c <= b for a, b in ranges)}

    return kept


class Font(NamedTuple):
    """One file to build: from which source, at which weight, with which characters."""

    file: str
    family: str
    weight: int
    source: str
    keep: Callable[[set[int]], Iterable[int]] | None  # None: the file is taken as it is


FONTS = (
    Font("NotoSans-Regular.ttf", "Noto Sans", 400, "NotoSans[wdth,wght].ttf", european),
    Font("NotoSans-Bold.ttf", "Noto Sans", 700, "NotoSans[wdth,wght].ttf", european),
    Font("Tajawal-Regular.ttf", "Tajawal", 400, "Tajawal-Regular.ttf", None),
    Font("Tajawal-Bold.ttf", "Tajawal", 700, "Tajawal-Bold.ttf", None),
    Font("NotoSansArabic-Regular.ttf", "Noto Sans Arabic", 400, "NotoSansArabic[wdth,wght].ttf", everything),
    Font("NotoSansArabic-Bold.ttf", "Noto Sans Arabic", 700, "NotoSansArabic[wdth,wght].ttf", everything),
    Font("NotoSansThai-Regular.ttf", "Noto Sans Thai", 400, "NotoSansThai[wdth,wght].ttf", everything),
    Font("NotoSansThai-Bold.ttf", "Noto Sans Thai", 700, "NotoSansThai[wdth,wght].ttf", everything),
    *(
        Font(f"NotoSans{name}-Regular.ttf", f"Noto Sans {name}", 400, f"NotoSans{name}_400Regular.ttf", script(*ranges))
        for name, ranges in (
            ("Armenian", [(0x530, 0x58F), (0xFB13, 0xFB17)]),
            ("Bengali", [(0x980, 0x9FF)]),
            ("Devanagari", [(0x900, 0x97F)]),
            ("Georgian", [(0x10A0, 0x10FF), (0x1C90, 0x1CBF)]),
            ("Hebrew", [(0x590, 0x5FF), (0xFB1D, 0xFB4F)]),
            ("Khmer", [(0x1780, 0x17FF), (0x19E0, 0x19FF)]),
            ("Lao", [(0xE80, 0xEFF)]),
            ("Myanmar", [(0x1000, 0x109F)]),
            ("Sinhala", [(0xD80, 0xDFF)]),
            ("Tamil", [(0xB80, 0xBFF)]),
        )
    ),
    Font("NotoSansSC-Regular.ttf", "Noto Sans SC", 400, "NotoSansSC_400Regular.ttf", names_of_china),
    Font("NotoSansSC-Bold.ttf", "Noto Sans SC", 700, "NotoSansSC_700Bold.ttf", common_chinese),
    Font("NotoSansKR-Regular.ttf", "Noto Sans KR", 400, "NotoSansKR_400Regular.ttf", hangul),
)


def found(folder: Path, name: str) -> Path:
    """The one file of that name below `folder`."""
    files = [file for file in folder.rglob("*") if file.name == name]
    if len(files) != 1:
        raise SystemExit(f"{len(files)} files are named {name} below {folder}: there must be one.")
    return files[0]


def licence(source: Path) -> Path:
    """The licence beside a source file or one folder above."""
    for place in (source.parent, source.parent.parent):
        for name in ("LICENSE_FONT", "OFL.txt", "LICENSE"):
            if (place / name).exists():
                return place / name
    raise SystemExit(f"{source} has no licence beside it.")


def built(source: Path, font: Font) -> TTFont:
    """The static, cut and named font."""
    made = TTFont(source, recalcTimestamp=False)
    if "fvar" in made:
        at = {"wght": font.weight, "wdth": 100}
        made = instancer.instantiateVariableFont(made, {tag: at[tag] for tag in (a.axisTag for a in made["fvar"].axes)})
    options = subset.Options(hinting=False, notdef_outline=True, layout_features=FEATURES, name_languages=["*"])
    options.drop_tables += ["DSIG", "STAT", "vhea", "vmtx", "VORG", "meta", "gasp"]
    cutter = subset.Subsetter(options)
    assert font.keep is not None
    cutter.populate(unicodes=font.keep(set(made.getBestCmap())))
    cutter.subset(made)
    style = font.file.removesuffix(".ttf").split("-")[1]
    for name_id, words in (
        (1, font.family),
        (2, style),
        (4, f"{font.family} {style}"),
        (6, font.file.removesuffix(".ttf")),
    ):
        made["name"].removeNames(nameID=name_id)
        made["name"].setName(words, name_id, 3, 1, 0x409)
    for unused in (16, 17, 25):
        made["name"].removeNames(nameID=unused)
    made["OS/2"].usWeightClass = font.weight
    return made


def main(folder: Path) -> None:
    """Build every font, copy the licences, write the manifest."""
    manifest: dict[str, dict[str, Any]] = {}
    for font in FONTS:
        source, target = found(folder, font.source), HERE / font.file
        if font.keep is None:
            target.write_bytes(source.read_bytes())
        else:
            built(source, font).save(target)
        terms = HERE / f"OFL-{font.family.replace(' ', '')}.txt"
        terms.write_bytes(licence(source).read_bytes())
        made = TTFont(target)
        manifest[font.file] = {
            "family": font.family,
            "weight": font.weight,
            "version": str(made["name"].getDebugName(5)),
            "copyright": str(made["name"].getDebugName(0)),
            "characters": len(made.getBestCmap()),
            "source": font.source,
            "source_sha256": sha256(source.read_bytes()).hexdigest(),
            "licence": terms.name,
            "licence_sha256": sha256(terms.read_bytes()).hexdigest(),
            "sha256": sha256(target.read_bytes()).hexdigest(),
        }
        print(f"{font.file:28}{target.stat().st_size:>10,} bytes {manifest[font.file]['characters']:>7,} characters")
    wanted = {*manifest, *(entry["licence"] for entry in manifest.values())}
    for old in (*HERE.glob("*.ttf"), *HERE.glob("*.txt")):
        if old.name not in wanted:
            old.unlink()
    (HERE / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
