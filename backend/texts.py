"""The catalogues: one extraction over code and templates, kept complete in every language.

``luocang texts`` extracts and merges; `faults` names everything that would let an untranslated, broken or stale text
reach a reader.
"""

import copy
import io
import re
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from backend.core.text import LANGUAGES, LOCALES

ROOT = LOCALES.parent
FLOORS = ("backend", "certification", "frontend")
METHODS = [("**/node_modules/**", "ignore"), ("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {
    "**.html": {"extensions": "jinja2.ext.i18n", "trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
}
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "N_": None,
    "P_": ((1, "c"), 2),
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
TAG = re.compile(r"</?\w+[^>]*>")
# Babel's own Arabic formula has "many" and "other" the other way round than CLDR and every translator.
PLURALS = {
    "ar": (6, "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)"),
}


def extracted() -> Catalog:
    """Every message of code and templates, with where it stands."""
    catalog = Catalog(project="Luocang", version="1", charset="utf-8", fuzzy=False)
    for floor in FLOORS:
        found = extract_from_dir(
            ROOT / floor, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
        )
        for name, line, message, comments, context in found:
            catalog.add(message, None, [(f"{floor}/{name}", line)], auto_comments=comments, context=context)
    return catalog


def update() -> dict[str, int]:
    """Write the template and merge it into every catalogue; how many messages each language still lacks."""
    template = extracted()
    _write(LOCALES / "messages.pot", template)
    lacking: dict[str, int] = {}
    for language in LANGUAGES:
        path = _po(language)
        catalog = _read(path, language) if path.exists() else Catalog(locale=language)
        catalog.update(copy.deepcopy(template), no_fuzzy_matching=True)
        catalog.header_comment, catalog.fuzzy = f"# {language}, Luocang.", False
        catalog.obsolete.clear()
        if language == "en":
            _speak_english(catalog)
        _set_plurals(catalog, language)
        _write(path, catalog)
        lacking[language] = sum(1 for message in catalog if message.id and not _is_translated(message))
    return lacking


def faults() -> list[str]:
    """Everything wrong with the catalogues, a sentence each."""
    found: list[str] = []
    template = extracted()
    wanted = _ids(template)
    kept = LOCALES / "messages.pot"
    if not kept.exists() or _ids(_read(kept, None)) != wanted:
        found.append("locales/messages.pot is stale.")
    for language in LANGUAGES:
        path = _po(language)
        if not path.exists():
            found.append(f"{language}: there is no catalogue.")
            continue
        catalog = _read(path, language)
        if missing := wanted - _ids(catalog):
            found.append(f"{language}: {len(missing)} messages are not in the catalogue, e.g. {next(iter(missing))!r}.")
        if extra := _ids(catalog) - wanted:
            found.append(f"{language}: {len(extra)} messages are of no use any more, e.g. {next(iter(extra))!r}.")
        for message in catalog:
            if message.id:
                found += [f"{language}: {fault}: {message.id!r}" for fault in message_faults(message, catalog)]
    return found


def message_faults(message: Message, catalog: Catalog) -> list[str]:
    """What is wrong with one translation."""
    sources, targets = _strings(message.id), _strings(message.string)
    if not _is_translated(message):
        return ["not translated"]
    found = ["fuzzy"] if message.fuzzy else []
    if len(sources) > 1 and len(targets) != catalog.num_plurals:
        found.append(f"has {len(targets)} plural forms instead of {catalog.num_plurals}")
    allowed = set(PLACEHOLDER.findall(" ".join(sources)))
    needed = set(PLACEHOLDER.findall(sources[-1])) - ({"n", "count"} if len(sources) > 1 else set())
    for target in targets:
        names = set(PLACEHOLDER.findall(target))
        if names - allowed or needed - names:
            found.append(f"has other placeholders: {target!r}")
        if sorted(TAG.findall(target)) != sorted(TAG.findall(sources[-1])):
            found.append(f"has other tags: {target!r}")
        if "%" in PLACEHOLDER.sub("", target).replace("%%", "") and "%(" in sources[-1]:
            found.append(f"has a bare percent sign: {target!r}")
    return found


def _speak_english(catalog: Catalog) -> None:
    """English speaks its own ids."""
    for message in catalog:
        if message.id:
            message.string = message.id
            message.flags.discard("fuzzy")


def _set_plurals(catalog: Catalog, language: str) -> None:
    if language in PLURALS:
        vars(catalog).update(zip(("_num_plurals", "_plural_expr"), PLURALS[language], strict=True))


def _is_translated(message: Message) -> bool:
    return all(_strings(message.string))


def _ids(catalog: Catalog) -> set[tuple[str | None, str]]:
    return {(message.context, _strings(message.id)[0]) for message in catalog if message.id}


def _strings(given: object) -> list[str]:
    """The one text, or every plural form."""
    return [str(each or "") for each in given] if isinstance(given, list | tuple) else [str(given or "")]


def _po(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "messages.po"


def _read(path: Path, language: str | None) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=Locale.parse(language) if language else None)


def _write(path: Path, catalog: Catalog) -> None:
    """Without line numbers and dates, so that a change of the file is a change of words."""
    for message in catalog:
        message.locations = sorted({(name, 0) for name, _ in message.locations})
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, sort_output=True, include_lineno=False, omit_header=False)
    text = re.sub(
        r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By):.*\n', "", buffer.getvalue().decode(), flags=re.M
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
