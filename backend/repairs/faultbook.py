"""Fault codes and checks by class of item, from faults.toml. Pure: knows no database."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

GENERAL = "general"
Names = Mapping[str, str]


class ItemClass(msgspec.Struct, frozen=True):
    """A class of items: the beginnings of HS codes it covers, its fault codes and checks with their names by language."""

    prefixes: Sequence[str]
    names: Names
    codes: Mapping[str, Names]
    checks: Mapping[str, Names]


class FaultBook(msgspec.Struct, frozen=True):
    """One edition: the classes, the codes that are no fault, and those that a warranty does not cover."""

    edition: str
    no_fault: frozenset[str]
    user_caused: frozenset[str]
    classes: Mapping[str, ItemClass]

    def codes_of(self, item_class: str) -> dict[str, Names]:
        """The codes of a class: its own first, then those of every item."""
        own = self.classes[item_class].codes if item_class != GENERAL else {}
        return {**own, **self.classes[GENERAL].codes}

    def checks_of(self, item_class: str) -> dict[str, Names]:
        """The checks of a final test: those of every item first, then the class's own."""
        own = self.classes[item_class].checks if item_class != GENERAL else {}
        return {**self.classes[GENERAL].checks, **own}

    def names_of(self, code: str) -> Names:
        """The names of a code of any class; of one that no edition knows, the code itself."""
        return next((each.codes[code] for each in self.classes.values() if code in each.codes), {"en": code})

    def class_of(self, hs_code: str | None) -> str:
        """The class whose longest prefix the HS code begins with."""
        fits = [
            (len(prefix), name)
            for name, each in self.classes.items()
            for prefix in each.prefixes
            if hs_code and hs_code.startswith(prefix)
        ]
        return max(fits)[1] if fits else GENERAL


@lru_cache(maxsize=1)
def book() -> FaultBook:
    """The edition in force."""
    read = tomllib.loads(Path(__file__).with_name("faults.toml").read_text(encoding="utf-8"))
    head = {name: read.pop(name) for name in ("edition", "no_fault", "user_caused")}
    return msgspec.convert({**head, "classes": read}, FaultBook)
