"""Whole sets of rules: the files that ship, the committee's own editions over them, and what contradicts what. Pure.

A set is taken over as a whole or refused with every mistake in it.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.regulations import reading
from backend.regulations.editions import UNDATED, Edition, Editions, Family

DATA = Path(__file__).with_name("data")
# Where two rules would contradict each other: of these places only one rule may speak on a day.
SOLE_PARTS = frozenset({(Family.TAX, "relief")})


class RulesInvalid(Invalid):
    """A set of rules contradicts itself or says what nobody can read; `faults` names every edition and field."""

    sentence: ClassVar[str] = N_("The rules have mistakes. Correct every one of them; nothing was taken over.")


def set_faults(editions: Iterable[Edition]) -> list[Fault]:
    """What editions contradict each other in: two at one time, or one rule with two families, places or basis dates."""
    by_rule: dict[str, list[Edition]] = {}
    for each in editions:
        by_rule.setdefault(each.rule_id, []).append(each)
    faults = _sole_faults([each for found in by_rule.values() for each in found])
    for rule_id, found in sorted(by_rule.items()):
        found.sort(key=lambda each: each.starts_on or date.min)
        for number, earlier in enumerate(found):
            for later in found[number + 1 :]:
                if _meet(earlier, later):
                    faults.append(_overlap(rule_id, earlier, later))
                for field in ("family", "part", "basis"):
                    if getattr(earlier, field) != getattr(later, field):
                        facts = {
                            "rule": rule_id,
                            "value": getattr(later, field).__str__(),
                            "other": str(getattr(earlier, field)),
                        }
                        sentence = N_(
                            "All editions of rule %(rule)s speak of the same thing: “%(other)s”, not “%(value)s”."
                        )
                        faults.append(Fault(f"{rule_id}/{later.name}.{field}", facts["value"], sentence, facts))
    return faults


def _meet(one: Edition, other: Edition) -> bool:
    """Whether both cover some day."""
    starts_on = max(one.starts_on or date.min, other.starts_on or date.min)
    return starts_on <= min(one.ends_on or date.max, other.ends_on or date.max)


def _sole_faults(editions: Sequence[Edition]) -> list[Fault]:
    sole = [each for each in editions if (each.family, each.part) in SOLE_PARTS]
    sole.sort(key=lambda each: (each.starts_on or date.min, each.rule_id))
    sentence = N_(
        "The rules %(rule)s (%(edition)s) and %(other)s (%(other_edition)s) decide the same for the same days. "
        "End or withdraw one of them first."
    )
    return [
        Fault(
            f"{other.rule_id}/{other.name}.from",
            other.name,
            sentence,
            {"rule": one.rule_id, "edition": one.name, "other": other.rule_id, "other_edition": other.name},
        )
        for number, one in enumerate(sole)
        for other in sole[number + 1 :]
        if one.rule_id != other.rule_id and _meet(one, other)
    ]


def _overlap(rule_id: str, earlier: Edition, later: Edition) -> Fault:
    sentence = N_(
        "The editions %(earlier)s and %(later)s of rule %(rule)s overlap. End the earlier one before the later one begins."
    )
    facts = {"rule": rule_id, "earlier": earlier.name, "later": later.name}
    return Fault(f"{rule_id}/{later.name}.from", later.name, sentence, facts)


def editions(raws: Iterable[Mapping[str, Any]]) -> Editions:
    """The set that `raws` say; refuses one with any mistake, naming all of them (`RulesInvalid`)."""
    faults: list[Fault] = []
    found = []
    for raw in raws:
        name = str(raw.get("from") or UNDATED)
        if made := reading.edition(raw, faults, at=f"{raw.get('rule', '?')}/{name}."):
            found.append(made)
    faults += set_faults(found)
    if faults:
        raise RulesInvalid(faults)
    return Editions(found)


def merged(shipped: Iterable[Edition], own: Sequence[Edition], withdrawn: Iterable[tuple[str, str]]) -> list[Edition]:
    """The committee's editions and those shipped ones that they leave room for: what the committee says goes first.

    `withdrawn` are the rule and name of editions that never come into force.
    """
    kept = list(own)
    names = {(each.rule_id, each.name) for each in kept} | set(withdrawn)
    return kept + [
        each
        for each in shipped
        if (each.rule_id, each.name) not in names
        and not any(each.rule_id == other.rule_id and _meet(each, other) for other in own)
    ]


def shipped(folder: Path = DATA, further: Iterable[Path] = ()) -> list[dict[str, Any]]:
    """The raw editions of the files in `folder` and of `further` files.

    Their sources are named by id and looked up in the folder's ``sources.toml``, or written out.
    """
    faults: list[Fault] = []
    files = {path.name: _toml(path, faults) for path in sorted(folder.glob("*.toml"))}
    files |= {str(path): _toml(path, faults) for path in further}
    sources = files.pop("sources.toml", {})
    found = []
    for file_name, content in files.items():
        listed = content.get("edition", [])
        for raw in listed if isinstance(listed, list) else []:
            given = raw.get("source")
            if isinstance(given, str):
                known = sources.get(given)
                if known is None:
                    facts = {"value": given, "rule": raw.get("rule", "?"), "file": file_name}
                    sentence = N_(
                        "%(file)s: rule %(rule)s names the source “%(value)s”, which sources.toml does not have."
                    )
                    faults.append(Fault(f"{raw.get('rule', '?')}.source", given, sentence, facts))
                raw["source"] = {"id": given, "grade": raw.pop("grade", ""), **(known or {"act": given})}
            found.append(raw)
    if faults:
        raise RulesInvalid(faults)
    return found


def _toml(path: Path, faults: list[Fault]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        facts = {"file": path.name, "problem": str(error)}
        faults.append(Fault(path.name, path.name, N_("%(file)s is not a TOML file: %(problem)s"), facts))
        return {}
