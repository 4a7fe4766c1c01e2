"""Who is in the demo network and what they trade, as network.toml and goods.csv say. Pure."""

import csv
from collections.abc import Mapping
from pathlib import Path

import msgspec

from backend.core import values

HERE = Path(__file__).parent


class Person(msgspec.Struct, frozen=True):
    """Somebody who signs in."""

    email: str
    name: str
    role: str


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """The committee or an operator; the first of its people leads it."""

    code: str
    names: dict[str, str]
    language: str
    time_zone: str
    people: list[Person]


class Exporter(Organisation, frozen=True, kw_only=True):
    """An exporter, the warehouses it sends goods to, and the month (1 to 12) in which it sells most."""

    language: str = "zh_CN"
    time_zone: str = "Asia/Shanghai"
    warehouses: list[str]
    peak_month: int
    company_prefix: str


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse, its halls of bins, and the size of the market behind it."""

    code: str
    operator: str
    names: dict[str, str]
    city: dict[str, str]
    country: str
    address: str
    latitude: str
    longitude: str
    time_zone: str
    area_m2: str
    capacity_m3: str
    taxonomy: str
    status: str
    status_note: str = ""
    closed_days: int = 0
    moved_to: str = ""
    zones: int
    aisles: int
    levels: int
    transit_days: int
    pull: float

    @property
    def given(self) -> dict[str, str]:
        """What its operator types into the form."""
        names = {f"name_{language}": name for language, name in self.names.items()}
        cities = {f"city_{language}": name for language, name in self.city.items()}
        typed = (
            "code",
            "country",
            "address",
            "latitude",
            "longitude",
            "time_zone",
            "area_m2",
            "capacity_m3",
            "taxonomy",
        )
        return {field: getattr(self, field) for field in typed} | names | cities

    @property
    def zone_codes(self) -> str:
        """One letter for each hall."""
        return "ABC"[: self.zones]

    def bin_pattern(self, zone: str) -> str:
        """The bins of a hall, as a range."""
        return f"{zone}-{{01..{self.aisles:02}}}-{{1..{self.levels}}}"


class Item(msgspec.Struct, frozen=True):
    """An item: what its owner types into the form, the pieces an order usually asks for, the months it keeps (0: for ever)."""

    owner: str
    code: str
    pieces: int
    shelf_months: int
    given: dict[str, str]


class Transfer(msgspec.Struct, frozen=True):
    """A way between two warehouses of an operator."""

    source: str
    target: str
    days: int


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody; `notes` are what people write, by language."""

    committee: Organisation
    operators: list[Organisation]
    warehouses: list[Warehouse]
    exporters: list[Exporter]
    transfers: list[Transfer]
    notes: dict[str, dict[str, str]]
    items: list[Item] = []

    def operator_of(self, warehouse: str) -> Organisation:
        """Who runs a warehouse."""
        code = next(each.operator for each in self.warehouses if each.code == warehouse)
        return next(each for each in self.operators if each.code == code)

    def notes_in(self, warehouse: str) -> dict[str, str]:
        """What is written in a warehouse, in its operator's language."""
        return self.notes[self.operator_of(warehouse).language]


def read() -> Network:
    """The network as it is written down."""
    network = msgspec.toml.decode((HERE / "network.toml").read_bytes(), type=Network)
    prefixes = {exporter.code: exporter.company_prefix for exporter in network.exporters}
    with (HERE / "goods.csv").open(encoding="utf-8", newline="") as file:
        items = [_item(number, row, prefixes[row["owner"]]) for number, row in enumerate(csv.DictReader(file), 1)]
    return msgspec.structs.replace(network, items=items)


def _item(number: int, row: Mapping[str, str], prefix: str) -> Item:
    """Two of three items carry a GTIN, the third its exporter's own barcode."""
    stem = f"{prefix}{number:05}"
    gtin = next(stem + digit for digit in "0123456789" if values.gtin_is_valid(stem + digit))
    barcode = {"gtins": gtin} if number % 3 else {"own_barcodes": f"{row['owner'][:2]}{number:06}"}
    return Item(row["owner"], row["code"], int(row["pieces"]), int(row["shelf_months"] or 0), {**row, **barcode})
