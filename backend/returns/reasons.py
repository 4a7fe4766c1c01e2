"""Why goods come back: the reason codes, from reasons.toml. Pure."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import msgspec

from backend.core import values
from backend.core.errors import Fault
from backend.core.text import N_
from backend.returns.rules import Kind


class Cause(StrEnum):
    """What the tax rules for returned exports call a reason: 滞销 or 退货."""

    UNSOLD = "unsold"
    RETURN = "return"


class Reason(msgspec.Struct, frozen=True):
    """A reason code: the kinds of return it may be given for, what the law calls it, its names by language."""

    kinds: frozenset[Kind]
    cause: Cause
    names: dict[str, str]


@lru_cache(maxsize=1)
def reasons() -> Mapping[str, Reason]:
    """Every reason by its code, in the order of reasons.toml."""
    read = tomllib.loads(Path(__file__).with_name("reasons.toml").read_text(encoding="utf-8"))
    return {code: msgspec.convert(given, Reason) for code, given in read.items()}


def reasons_for(kind: Kind) -> list[str]:
    """The codes that may be given for a kind of return."""
    return [code for code, reason in reasons().items() if kind in reason.kinds]


def name_of(code: str, language: str) -> str:
    """A reason's name in a language; the code itself when it is known no more."""
    reason = reasons().get(code)
    return values.display_name(reason.names, language) if reason else code


def cause_of(code: str, kind: Kind) -> Cause:
    """What the law calls a reason. Unsold goods stay unsold goods, whatever the reason."""
    reason = reasons().get(code)
    return Cause.UNSOLD if kind is Kind.UNSOLD or reason is None else reason.cause


def checked(field: str, code: str, kind: Kind, faults: list[Fault]) -> str:
    """A reason that may be given for this kind; anything else becomes a fault."""
    possible = reasons_for(kind)
    if not code:
        faults.append(Fault(field, "", N_("Say why the goods come back."), {"choices": list(possible)}))
    elif code not in possible:
        faults.append(
            Fault(
                field,
                code,
                N_("“%(value)s” is not a reason for this kind of return. Choose one of: %(choices)s."),
                {"value": code, "choices": list(possible)},
            )
        )
    return code
