"""The monitor's words on screen: subjects, stages, ages and standings, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from backend.core import clock, text
from backend.messages import actions as messages
from backend.monitor import rules
from backend.monitor.rules import Age, Effect, Wrong
from backend.regulations import facts as law_facts
from backend.returns import reasons
from backend.stages import rules as stages_rules
from backend.stages.rules import Standing, Subject, Turn
from backend.value_added import rules as service_rules
from backend.value_added.rules import Kind as ServiceKind

STANDING_KINDS: Mapping[Standing, str] = {Standing.OVERDUE: "bad", Standing.SOON: "warn", Standing.RUNNING: "ok"}


def subjects() -> dict[str, str]:
    """The word of each kind of document."""
    return {each.value: text.gettext(stages_rules.SUBJECT_NAMES[each]) for each in Subject}


def turns() -> dict[str, str]:
    """Whose turn it is, in words."""
    return {each.value: text.gettext(stages_rules.TURN_NAMES[each]) for each in Turn}


def standings() -> dict[str, tuple[str, str]]:
    """How each standing is shown: the kind of its chip and its word."""
    return {each.value: (STANDING_KINDS[each], text.gettext(stages_rules.STANDING_NAMES[each])) for each in Standing}


def ages() -> dict[str, str]:
    """The word of each class of age."""
    return {each.value: text.gettext(rules.AGE_NAMES[each]) for each in Age}


def wrongs() -> dict[str, str]:
    """How rooms and ledger do not fit together, in words."""
    return {each.value: text.gettext(rules.WRONG_NAMES[each]) for each in Wrong}


def effects() -> dict[str, str]:
    """What rooms do that the ledger must show, in words."""
    return {each.value: text.gettext(rules.EFFECT_NAMES[each]) for each in Effect}


def stage(subject: str, name: str) -> str:
    """The word of a stage; one that is unknown keeps its name."""
    known = stages_rules.STAGE_NAMES.get((Subject(subject), name)) if subject in list(Subject) else None
    return text.gettext(known) if known else name


def stage_choices(subject: str) -> list[tuple[str, object]]:
    """The stages to choose from: those of one kind of document, or of every kind in groups."""
    if subject in list(Subject):
        return [
            (name, text.gettext(word)) for (of, name), word in stages_rules.STAGE_NAMES.items() if of.value == subject
        ]
    return []


def reason(code: str) -> str:
    """The word of a reason: why goods came back, why a batch goes home, what kind of service a job is; one that is unknown
    keeps its code.
    """
    if code in list(ServiceKind):
        return text.gettext(service_rules.KIND_NAMES[ServiceKind(code)])
    if code in law_facts.CAUSES and code not in reasons.reasons():
        return text.gettext(law_facts.CAUSES[code])
    return reasons.name_of(code, text.current.get())


def reasons_to_choose() -> list[tuple[str, str]]:
    """Every reason that a stage may have, as options of a select: of returns, of batches home, kinds of services."""
    codes = [*reasons.reasons(), *law_facts.CAUSES, *ServiceKind]
    return [(code, reason(code)) for code in dict.fromkeys(str(each) for each in codes)]


def open_stage(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `stages.queries.OPEN` with its words, the address of its document and how it stands now."""
    now = clock.now()
    return {
        **row,
        "stage_name": stage(row["subject"], row["stage"]),
        "reason_name": reason(row["reason"]),
        "href": messages.path_of(row["subject"], row["subject_id"]),
        "standing": stages_rules.standing(row["due_at"], now).value,
        "days": (now - row["entered_at"]).days,
    }
