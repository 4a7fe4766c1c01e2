"""Vendor the browser's libraries: run `npm ci && python vendor.py` here after changing package.json.

Copies the files that package.json names from `node_modules` to `static/vendor/<package>-<version>/` (and what only tests
need to `tests/browser/vendor/`), writes a manifest with the lock's integrity and each file's own hash, and builds the icon
sprite. Needs nothing but the standard library; the result is committed, so a fresh machine needs neither node nor npm.
"""

import json
import re
import shutil
from base64 import b64encode
from hashlib import sha384
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
STATIC = HERE / "static" / "vendor"
TESTS = HERE.parent / "tests" / "browser" / "vendor"
SPRITE = HERE / "static" / "icons.svg"


def folder(package: str, version: str) -> str:
    """Where a package's files stand, e.g. ``tabler-icons-3.51.0``."""
    return f"{package.removeprefix('@').replace('/', '-')}-{version}"


def sri(content: bytes) -> str:
    """The subresource integrity of `content`."""
    return "sha384-" + b64encode(sha384(content).digest()).decode()


def copy(wanted: dict[str, list[str]], lock: dict[str, Any], target: Path) -> None:
    """Replace `target` by the wanted files of the installed packages and their manifest."""
    shutil.rmtree(target, ignore_errors=True)
    manifest: dict[str, dict[str, str]] = {}
    for package, files in sorted(wanted.items()):
        entry = lock["packages"][f"node_modules/{package}"]
        installed = json.loads((MODULES / package / "package.json").read_text(encoding="utf-8"))["version"]
        if installed != entry["version"]:
            raise SystemExit(
                f"{package} is {installed} in node_modules but {entry['version']} in the lock: run npm ci."
            )
        place = target / folder(package, installed)
        place.mkdir(parents=True)
        for file in files:
            content = (MODULES / package / file).read_bytes()
            name = Path(file).name
            (place / name).write_bytes(content)
            manifest[f"{place.name}/{name}"] = {
                "package": package,
                "version": installed,
                "file": file,
                "integrity": entry["integrity"],
                "sri": sri(content),
            }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def sprite(names: list[str], version: str) -> str:
    """One SVG of a symbol per icon, in the outline style; stroke and colour are left to the stylesheet."""
    symbols = []
    for name in sorted(names):
        source = (MODULES / "@tabler" / "icons" / "icons" / "outline" / f"{name}.svg").read_text(encoding="utf-8")
        body = source[source.index(">", source.index("<svg")) + 1 : source.rindex("</svg>")]
        body = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>', "", body)
        body = re.sub(r"\s*\n\s*", "", body).replace(" />", "/>")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>')
    head = f"<!-- Tabler Icons {version}, MIT licence, see vendor/{folder('@tabler/icons', version)}/LICENSE -->"
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', head, *symbols, "</svg>"]) + "\n"


def main() -> None:
    """Copy everything and build the sprite."""
    package = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    copy(package["vendor"], lock, STATIC)
    copy(package["vendorTests"], lock, TESTS)
    version = lock["packages"]["node_modules/@tabler/icons"]["version"]
    SPRITE.write_text(sprite(package["icons"], version), encoding="utf-8")


if __name__ == "__main__":
    main()
