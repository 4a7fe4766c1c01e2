"""What the calls of handling returned goods share: units by their codes, and what a repeated call is answered with."""

import msgspec

LIST = "A page of rows, each an object, and `after`, the place where the next page begins (null at the end)."
ONCE = "201 when done, 200 with the same body when the key had done it before, 409 when the key was used for something else."
TAGS = ["Handling returns"]


class ChosenUnits(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Units by their codes, and why."""

    units: list[str]
    note: str = ""


class ChosenUnit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One unit by its code, and why."""

    unit: str
    note: str


class UnitCodes(msgspec.Struct):
    """Units by their codes."""

    units: list[str]


def status(repeated: bool) -> int:
    """201 for what was done now, 200 for what had been done."""
    return 200 if repeated else 201
