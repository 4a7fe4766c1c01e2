"""From editions back to raw mappings, as files and forms say them and the database keeps them. Pure."""

from typing import Any

from backend.regulations.editions import Comparison, Edition, Relation
from backend.regulations.windows import Window


def raw_of(given: Edition) -> dict[str, Any]:
    """The edition as a raw mapping, with days as text: what is kept, and what a form begins with."""
    raw: dict[str, Any] = {
        "rule": given.rule_id,
        "family": given.family.value,
        "part": given.part,
        "basis": given.basis.value,
        "from": given.starts_on.isoformat() if given.starts_on else "",
        "to": given.ends_on.isoformat() if given.ends_on else "",
        "status": given.status.value,
        "holds": given.holds.value,
        "fails": given.fails.value if given.fails else "",
        "when": [_raw_comparison(each) for each in given.when],
        "must": [_raw_comparison(each) for each in given.must],
        "documents": list(given.documents),
        "doubts": list(given.doubts),
        "value": given.value,
        "title": dict(given.titles),
        "text": dict(given.texts),
        "source": {
            "id": given.source.id,
            "grade": given.source.grade,
            "act": given.source.act,
            "address": given.source.address,
        },
    }
    if window := given.window:
        raw["window"] = {name: getattr(window, name) for name in Window.__struct_fields__} | {
            "warn_days": list(window.warn_days)
        }
    return raw


def _raw_comparison(given: Comparison) -> dict[str, Any]:
    value: Any = list(given.values)
    if given.relation is Relation.IN_WINDOW:
        value = True
    elif given.relation in (Relation.IS, Relation.AT_MOST):
        value = given.values[0]
    return {"fact": given.fact, given.relation.value: value} | ({"assumed": True} if given.assumed else {})
