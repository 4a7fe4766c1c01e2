"""Mapping files: one retailer's export in a page of TOML."""

from pathlib import Path

import pytest

from backend.core.errors import Invalid
from backend.trade import mapping
from backend.trade.mapping import Kind

MARKTKAUF = b"""
title = "Marktkauf"
delimiter = ";"
encodings = ["utf-8", "cp1252"]
location = "MK-1"
language = "en"
returns = "positive"
identity = ["Position"]

[columns]
reference = "Beleg"
item = "Artikel"
quantity = "Menge"
occurred_at = "Datum"

[time]
formats = ["%d.%m.%Y", "%d.%m.%Y %H:%M"]
zone = "Europe/Berlin"

[[rules]]
then = "return"
when = { Vorgang = "Retoure" }

[[rules]]
then = "not_goods"
when = { Artikel = "VERSAND" }
"""


def test_the_mapping_of_the_public_data_set_loads() -> None:
    chosen = mapping.load("online-retail")
    assert chosen.columns == ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "Description", "UnitPrice")
    assert [rule.then for rule in chosen.rules] == [Kind.NOT_GOODS, Kind.RETURN, Kind.ADJUSTMENT, Kind.ADJUSTMENT]


def test_another_retailer_is_one_more_file(tmp_path: Path) -> None:
    (tmp_path / "marktkauf.toml").write_bytes(MARKTKAUF)
    chosen = mapping.load(str(tmp_path / "marktkauf.toml"))
    assert (chosen.name, chosen.delimiter, chosen.zone) == ("marktkauf", ";", "Europe/Berlin")
    assert not chosen.returns_are_negative
    assert chosen.columns == ("Beleg", "Artikel", "Menge", "Datum", "Position", "Vorgang")


def test_mappings_of_the_platform_are_found_under_its_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "marktkauf.toml").write_bytes(MARKTKAUF)
    monkeypatch.setenv("LUOCANG_HOME", str(tmp_path))
    assert list(mapping.known()) == ["marktkauf", "online-retail"]


def test_an_unknown_mapping_is_refused_with_the_choices() -> None:
    with pytest.raises(mapping.NoSuchMapping) as refused:
        mapping.load("amazon")
    assert "online-retail" in str(refused.value)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        mapping.read(
            "Mark Kauf",
            MARKTKAUF.replace(b'delimiter = ";"', b'delimiter = ";;"\ncolour = "red"')
            .replace(b"cp1252", b"ebcdic")
            .replace(b'"%d.%m.%Y",', b'"%d.%m",')
            .replace(b"Europe/Berlin", b"Berlin")
            .replace(b'"Retoure"', b'"(Retoure"')
            .replace(b'then = "not_goods"', b'then = "gift"')
            .replace(b'item = "Artikel"', b""),
        )
    fields = {fault.field for fault in refused.value.faults}
    assert fields == {
        "file",
        "colour",
        "delimiter",
        "encodings",
        "time.formats",
        "time.zone",
        "rules.1.when.Vorgang",
        "rules.2.then",
        "columns.item",
    }
    assert all(fault.sentence % fault.facts for fault in refused.value.faults)


def test_what_is_not_toml_is_refused() -> None:
    with pytest.raises(mapping.MappingInvalid):
        mapping.read("x", b"delimiter = ")
