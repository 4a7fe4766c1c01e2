"""The vendored files are the ones that the lock pins, byte for byte."""

import json
import re
from base64 import b64encode
from hashlib import sha384
from pathlib import Path
from typing import Any

import pytest

MAIN = Path(__file__).resolve().parents[2]
FRONTEND = MAIN / "frontend"
LOCK = json.loads((FRONTEND / "package-lock.json").read_bytes())
PACKAGE = json.loads((FRONTEND / "package.json").read_bytes())
PLACES = {"vendor": FRONTEND / "static" / "vendor", "vendorTests": MAIN / "tests" / "browser" / "vendor"}


def manifest(place: Path) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads((place / "manifest.json").read_bytes())
    return entries


@pytest.mark.parametrize("kind", PLACES)
def test_every_file_is_the_pinned_one(kind: str) -> None:
    place = PLACES[kind]
    entries = manifest(place)
    files = {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()}
    assert files - {"manifest.json"} == set(entries)
    for file, entry in entries.items():
        pinned = LOCK["packages"][f"node_modules/{entry['package']}"]
        assert (entry["version"], entry["integrity"]) == (pinned["version"], pinned["integrity"])
        assert file.startswith(entry["package"].removeprefix("@").replace("/", "-") + "-" + entry["version"] + "/")
        assert entry["sri"] == "sha384-" + b64encode(sha384((place / file).read_bytes()).digest()).decode()


@pytest.mark.parametrize("kind", PLACES)
def test_what_is_wanted_is_there_with_its_licence(kind: str) -> None:
    found = {(entry["package"], entry["file"]) for entry in manifest(PLACES[kind]).values()}
    assert found == {(package, file) for package, files in PACKAGE[kind].items() for file in files}
    assert all("LICENSE" in files for files in PACKAGE[kind].values())


def test_versions_are_exact_and_the_lock_downloads_from_nowhere() -> None:
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in PACKAGE["dependencies"].values())
    assert LOCK["packages"][""]["dependencies"] == PACKAGE["dependencies"]
    assert not [path for path, entry in LOCK["packages"].items() if "resolved" in entry]
    assert all(entry.get("integrity", "").startswith("sha512-") for path, entry in LOCK["packages"].items() if path)


def test_no_land_data_with_borders_is_vendored() -> None:
    assert not list(PLACES["vendor"].rglob("countries*"))


def test_the_sprite_holds_exactly_the_icons_asked_for() -> None:
    sprite = (FRONTEND / "static" / "icons.svg").read_text(encoding="utf-8")
    assert re.findall(r'<symbol id="([^"]+)"', sprite) == PACKAGE["icons"] == sorted(set(PACKAGE["icons"]))
    assert f"Tabler Icons {PACKAGE['dependencies']['@tabler/icons']}," in sprite
    assert "script" not in sprite
    assert "style" not in sprite
