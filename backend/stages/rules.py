"""How long a stage may last, and how it stands. Pure."""

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import msgspec

from backend.core.text import N_


class Subject(StrEnum):
    """What moves through stages."""

    RETURN = "return"
    PARCEL = "parcel"
    BATCH = "batch"
    REPAIR = "repair"
    SERVICE = "service"


class Turn(StrEnum):
    """Whose turn it is."""

    OPERATOR = "operator"
    OWNER = "owner"
    CARRIER = "carrier"


class Standing(StrEnum):
    """How a stage stands against its clock."""

    OVERDUE = "overdue"
    SOON = "soon"
    RUNNING = "running"


SUBJECT_NAMES: Mapping[Subject, str] = {
    Subject.RETURN: N_("Return"),
    Subject.PARCEL: N_("Unannounced parcel"),
    Subject.BATCH: N_("Batch home"),
    Subject.REPAIR: N_("Repair"),
    Subject.SERVICE: N_("Service job"),
}
TURN_NAMES: Mapping[Turn, str] = {
    Turn.OPERATOR: N_("Operator"),
    Turn.OWNER: N_("Exporter"),
    Turn.CARRIER: N_("Carrier"),
}
STANDING_NAMES: Mapping[Standing, str] = {
    Standing.OVERDUE: N_("Overdue"),
    Standing.SOON: N_("Due within a day"),
    Standing.RUNNING: N_("In time"),
}
STAGE_NAMES: Mapping[tuple[Subject, str], str] = {
    (Subject.RETURN, "booked"): N_("On its way"),
    (Subject.RETURN, "receiving"): N_("Being received"),
    (Subject.RETURN, "grading"): N_("To be graded"),
    (Subject.RETURN, "deciding"): N_("To be decided"),
    (Subject.RETURN, "working"): N_("To be carried out"),
    (Subject.PARCEL, "waiting"): N_("Waiting for its return"),
    (Subject.BATCH, "open"): N_("Being collected"),
    (Subject.BATCH, "ready"): N_("To be packed"),
    (Subject.BATCH, "packed"): N_("Packed"),
    (Subject.BATCH, "sent"): N_("On the way home"),
    (Subject.REPAIR, "requested"): N_("To be brought to the workshop"),
    (Subject.REPAIR, "diagnosing"): N_("To be diagnosed"),
    (Subject.REPAIR, "quoted"): N_("Quote to be answered"),
    (Subject.REPAIR, "repairing"): N_("Being repaired"),
    (Subject.REPAIR, "testing"): N_("To be tested"),
    (Subject.SERVICE, "requested"): N_("To be quoted"),
    (Subject.SERVICE, "quoted"): N_("Quote to be answered"),
    (Subject.SERVICE, "accepted"): N_("To be begun"),
    (Subject.SERVICE, "performing"): N_("Being done"),
    (Subject.SERVICE, "done"): N_("Result to be accepted"),
    (Subject.SERVICE, "disputed"): N_("Disputed"),
}
SOON = timedelta(days=1)


class Limit(msgspec.Struct, frozen=True):
    """Whose turn a stage is, and how many hours it may last."""

    turn: Turn
    hours: int


@lru_cache(maxsize=1)
def limits() -> Mapping[tuple[Subject, str], Limit]:
    """The limit of every stage, from stages.toml."""
    read = tomllib.loads(Path(__file__).with_name("stages.toml").read_text(encoding="utf-8"))
    return {
        (Subject(subject), stage): msgspec.convert(limit, Limit)
        for subject, stages in read.items()
        for stage, limit in stages.items()
    }


def limit(subject: Subject, stage: str) -> Limit:
    """The limit of one stage; KeyError for a stage that stages.toml does not know."""
    return limits()[subject, stage]


def due_at(subject: Subject, stage: str, entered_at: datetime) -> datetime:
    """When a stage that was entered then is over."""
    return entered_at + timedelta(hours=limit(subject, stage).hours)


def standing(due: datetime | None, now: datetime) -> Standing:
    """How a stage stands now."""
    if due is None or due > now + SOON:
        return Standing.RUNNING
    return Standing.SOON if due > now else Standing.OVERDUE
