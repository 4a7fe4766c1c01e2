"""How one retailer's export is written: a small TOML file a retailer, checked whole when it is loaded.

Files are looked for beside this module and in the folder ``mappings`` under LUOCANG_HOME, so that a platform in
operation adds a retailer without touching the program. `online-retail.toml` explains every line of such a file.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from backend.core import clock, settings, values
from backend.core.errors import Fault, Invalid, NotFound
from backend.core.text import N_

ENCODINGS = ("utf-8", "gb18030", "cp1252")
WAREHOUSE_ZONE = "warehouse"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
# Date directives and what they look like in a cell; names are the arguments of datetime.
DIRECTIVES = {
    "%Y": r"(?P<year>[0-9]{4})",
    "%m": r"(?P<month>[0-9]{1,2})",
    "%d": r"(?P<day>[0-9]{1,2})",
    "%H": r"(?P<hour>[0-9]{1,2})",
    "%M": r"(?P<minute>[0-9]{1,2})",
    "%S": r"(?P<second>[0-9]{1,2})",
}
REQUIRED_COLUMNS = ("reference", "item", "quantity", "occurred_at")
OPTIONAL_COLUMNS = ("description",)


class Kind(StrEnum):
    """What a row of the file says."""

    SALE = "sale"
    RETURN = "return"
    ADJUSTMENT = "adjustment"
    NOT_GOODS = "not_goods"


class Rule(msgspec.Struct, frozen=True):
    """A row whose cells all fit `when` (column -> pattern of the whole cell) is of kind `then`."""

    then: Kind
    when: dict[str, re.Pattern[str]]


class NewWarehouse(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the retailer's warehouse when it has to be made."""

    country: str
    city: str
    address: str
    latitude: str
    longitude: str
    time_zone: str


class FileMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One retailer's export. `reference` is the column of the invoice, `identity` further columns that tell rows apart."""

    name: str
    title: str
    delimiter: str
    encodings: tuple[str, ...]
    location: str
    language: str
    returns_are_negative: bool
    reference: str
    item: str
    description: str | None
    quantity: str
    occurred_at: str
    identity: tuple[str, ...]
    formats: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    zone: str
    rules: tuple[Rule, ...]
    warehouse: NewWarehouse | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the file must have, once each."""
        named = [self.reference, self.item, self.quantity, self.occurred_at, *self.identity]
        if self.description:
            named.append(self.description)
        named += [column for rule in self.rules for column in rule.when]
        return tuple(dict.fromkeys(named))


class NoSuchMapping(NotFound):
    """There is no mapping of this name."""

    sentence: ClassVar[str] = N_(
        "There is no mapping “%(name)s”. Choose one of: %(choices)s, or give the path of a .toml file."
    )


class MappingInvalid(Invalid):
    """A mapping file is wrong; `faults` names every line to correct."""

    sentence: ClassVar[str] = N_("The mapping “%(name)s” has mistakes. Correct the file and try again.")


def folders() -> list[Path]:
    """Where mappings are looked for."""
    return [Path(__file__).with_name("mappings"), settings.home() / "mappings"]


def known() -> dict[str, Path]:
    """The mappings there are, by name."""
    found = {path.stem: path for folder in folders() if folder.is_dir() for path in sorted(folder.glob("*.toml"))}
    return dict(sorted(found.items()))


def titles() -> list[tuple[str, str]]:
    """The mappings to choose from: (name, title); one with mistakes goes by its name."""
    found = []
    for name in known():
        try:
            found.append((name, load(name).title))
        except MappingInvalid:
            found.append((name, name))
    return found


def load(name: str) -> FileMapping:
    """The mapping of this name, or in the file of this path; refuses a wrong one with every mistake in it."""
    path = Path(name) if name.endswith(".toml") else known().get(name)
    if path is None or not path.is_file():
        raise NoSuchMapping(name=name, choices=list(known()))
    return read(path.stem, path.read_bytes())


def read(name: str, content: bytes) -> FileMapping:
    """The mapping written in `content`."""
    faults: list[Fault] = []
    try:
        given = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fault = Fault("file", name, N_("This is not a TOML file: %(problem)s"), {"problem": str(error)})
        raise MappingInvalid([fault], name=name) from None
    if not NAME.fullmatch(name):
        faults.append(
            Fault(
                "file", name, N_("“%(value)s” is not a name. Use a-z, 0-9 and hyphens for the file."), {"value": name}
            )
        )
    _known_keys(
        given,
        "",
        (
            "title",
            "delimiter",
            "encodings",
            "location",
            "language",
            "returns",
            "columns",
            "identity",
            "time",
            "rules",
            "warehouse",
        ),
        faults,
    )
    columns = _table(given, "columns", faults)
    _known_keys(columns, "columns.", REQUIRED_COLUMNS + OPTIONAL_COLUMNS, faults)
    time = _table(given, "time", faults)
    _known_keys(time, "time.", ("formats", "zone"), faults)
    formats = _texts(time, "formats", "time.formats", faults)
    description = _text(columns, "description", "columns.description", faults) if "description" in columns else None
    mapping = FileMapping(
        name=name,
        title=_text(given, "title", "title", faults),
        delimiter=_delimiter(given, faults),
        encodings=_encodings(given, faults),
        location=values.place_code("location", _text(given, "location", "location", faults), faults),
        language=_one_of(given, "language", values.NAME_LANGUAGES, faults),
        returns_are_negative=_one_of(given, "returns", ("negative", "positive"), faults) == "negative",
        reference=_text(columns, "reference", "columns.reference", faults),
        item=_text(columns, "item", "columns.item", faults),
        description=description,
        quantity=_text(columns, "quantity", "columns.quantity", faults),
        occurred_at=_text(columns, "occurred_at", "columns.occurred_at", faults),
        identity=_texts(given, "identity", "identity", faults) if "identity" in given else (),
        formats=formats,
        patterns=tuple(_date_pattern(form, faults) for form in formats),
        zone=_zone(time, "zone", "time.zone", (WAREHOUSE_ZONE, *clock.zones()), faults),
        rules=_rules(given, faults),
        warehouse=_warehouse(given, faults) if "warehouse" in given else None,
    )
    if faults:
        raise MappingInvalid(faults, name=name)
    return mapping


UNKNOWN = N_("“%(value)s” is not known here. Choose one of: %(choices)s.")
NO_TABLE = N_("The part [%(name)s] is missing. Take online-retail.toml as a pattern.")
NO_TEXT = N_("A text in quotation marks is missing here.")
NO_TEXTS = N_("A list of texts is missing here, like ['one', 'two'].")
NO_ZONE = N_("“%(value)s” is not a time zone. Write “warehouse”, or a name like Europe/London.")
NO_DELIMITER = N_("“%(value)s” cannot part cells. Give one character, like , or ;")
NO_DATE_FORMAT = N_(
    "“%(value)s” is not a date format. Use each of %%Y %%m %%d once, and %%H %%M %%S where the file has them."
)
NO_RULES = N_("Rules are written as [[rules]], each with “then” and “when”.")
NO_CONDITION = N_("A rule needs at least one column with its pattern, like when = { InvoiceNo = 'C.*' }.")
NO_PATTERN = N_("“%(value)s” is not a regular expression: %(problem)s.")


def _wrong(field: str, value: object, sentence: str, faults: list[Fault], **facts: object) -> None:
    faults.append(Fault(field, value, sentence, {"value": value, **facts}))


def _known_keys(given: Mapping[str, Any], path: str, keys: Iterable[str], faults: list[Fault]) -> None:
    for key in given:
        if key not in keys:
            _wrong(path + key, key, UNKNOWN, faults, choices=list(keys))


def _table(given: Mapping[str, Any], key: str, faults: list[Fault]) -> Mapping[str, Any]:
    found = given.get(key)
    if isinstance(found, dict):
        return found
    _wrong(key, found, NO_TABLE, faults, name=key)
    return {}


def _text(given: Mapping[str, Any], key: str, path: str, faults: list[Fault]) -> str:
    found = given.get(key)
    if isinstance(found, str) and found.strip():
        return found.strip()
    _wrong(path, found, NO_TEXT, faults)
    return ""


def _texts(given: Mapping[str, Any], key: str, path: str, faults: list[Fault]) -> tuple[str, ...]:
    found = given.get(key)
    if isinstance(found, list) and found and all(isinstance(each, str) and each.strip() for each in found):
        return tuple(each.strip() for each in found)
    _wrong(path, found, NO_TEXTS, faults)
    return ()


def _one_of(given: Mapping[str, Any], key: str, choices: Sequence[str], faults: list[Fault]) -> str:
    found = given.get(key)
    if isinstance(found, str) and found in choices:
        return found
    _wrong(key, found, UNKNOWN, faults, choices=list(choices))
    return ""


def _zone(given: Mapping[str, Any], key: str, path: str, choices: Sequence[str], faults: list[Fault]) -> str:
    found = given.get(key)
    if isinstance(found, str) and found in choices:
        return found
    _wrong(path, found, NO_ZONE, faults)
    return ""


def _delimiter(given: Mapping[str, Any], faults: list[Fault]) -> str:
    found = given.get("delimiter")
    if isinstance(found, str) and len(found) == 1 and found not in '"\r\n\x00':
        return found
    _wrong("delimiter", found, NO_DELIMITER, faults)
    return ","


def _encodings(given: Mapping[str, Any], faults: list[Fault]) -> tuple[str, ...]:
    found = _texts(given, "encodings", "encodings", faults)
    for name in found:
        if name not in ENCODINGS:
            _wrong("encodings", name, UNKNOWN, faults, choices=list(ENCODINGS))
    return found


def _date_pattern(form: str, faults: list[Fault]) -> re.Pattern[str]:
    pieces = re.split(r"(%.)", form)
    directives = pieces[1::2]
    if (
        not {"%Y", "%m", "%d"} <= set(directives)
        or len(set(directives)) < len(directives)
        or set(directives) - set(DIRECTIVES)
    ):
        _wrong("time.formats", form, NO_DATE_FORMAT, faults)
        return re.compile("(?!)")
    return re.compile("".join(DIRECTIVES.get(piece) or re.escape(piece) for piece in pieces))


def _rules(given: Mapping[str, Any], faults: list[Fault]) -> tuple[Rule, ...]:
    found = given.get("rules", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        _wrong("rules", found, NO_RULES, faults)
        return ()
    rules: list[Rule] = []
    for number, each in enumerate(found, 1):
        path = f"rules.{number}."
        _known_keys(each, path, ("then", "when"), faults)
        if each.get("then") not in list(Kind):
            _wrong(path + "then", each.get("then"), UNKNOWN, faults, choices=list(Kind))
            continue
        when = each.get("when")
        if not isinstance(when, dict) or not when:
            _wrong(path + "when", when, NO_CONDITION, faults)
            continue
        patterns: dict[str, re.Pattern[str]] = {}
        for column, pattern in when.items():
            try:
                patterns[column] = re.compile(pattern)
            except (re.error, TypeError, RecursionError) as error:
                _wrong(f"{path}when.{column}", pattern, NO_PATTERN, faults, problem=str(error))
        rules.append(Rule(Kind(each["then"]), patterns))
    return tuple(rules)


def _warehouse(given: Mapping[str, Any], faults: list[Fault]) -> NewWarehouse:
    table = _table(given, "warehouse", faults)
    fields = NewWarehouse.__struct_fields__
    _known_keys(table, "warehouse.", fields, faults)
    zone = _zone(table, "time_zone", "warehouse.time_zone", clock.zones(), faults)
    texts = {field: _text(table, field, f"warehouse.{field}", faults) for field in fields if field != "time_zone"}
    return NewWarehouse(time_zone=zone, **texts)
