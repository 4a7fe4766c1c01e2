"""What a pledge is and when its goods become free. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from backend.core.errors import Conflict, Invalid, NotFound, TooMany
from backend.core.text import N_, Word


class State(StrEnum):
    """Where a pledge stands. Goods are held in the first two."""

    OFFERED = "offered"
    AGREED = "agreed"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


STATE_NAMES: Mapping[State, str] = {
    State.OFFERED: N_("Waiting for the pledgee"),
    State.AGREED: N_("Pledged"),
    State.RELEASED: N_("Released"),
    State.WITHDRAWN: N_("Withdrawn"),
}
FREE_WRONG_CODES = 4
LONGEST_CLOSED_SECONDS = 24 * 3600


class NoSuchPledge(NotFound):
    """There is no such pledge, or it is not the viewer's to see."""

    sentence: ClassVar[str] = N_("There is no such pledge in your view. Check the number or the link.")


class NotOffered(Conflict):
    """Agreed to, released or withdrawn already."""

    sentence: ClassVar[str] = N_(
        "This pledge stands at “%(state)s”; this is possible only before the pledgee has agreed."
    )


class NotAgreed(Conflict):
    """Nothing to release: not agreed to yet, or free already."""

    sentence: ClassVar[str] = N_(
        "This pledge stands at “%(state)s”: there is no release code for it. Only a pledge that its pledgee has agreed to "
        "is released by code."
    )


class WrongCode(Invalid):
    """The code is not the one that the pledgee has seen."""

    sentence: ClassVar[str] = N_("This is not the release code of this pledge. Nothing was changed.")
    line: ClassVar[str] = N_("This code is not right. Compare it sign by sign with the pledgee's letter.")


class TooManyCodes(TooMany):
    """Wrong codes too often."""

    sentence: ClassVar[str] = N_(
        "Too many wrong release codes. Wait %(seconds)s seconds and ask the pledgee for the code."
    )


def require_offered(state: State) -> None:
    """The pledgee has not agreed yet, and the pledge was not withdrawn."""
    if state is not State.OFFERED:
        raise NotOffered(state=Word(STATE_NAMES[state]))


def require_agreed(state: State) -> None:
    """The pledgee has agreed and its goods are not free yet."""
    if state is not State.AGREED:
        raise NotAgreed(state=Word(STATE_NAMES[state]))


def seconds_closed(wrong_codes: int) -> int:
    """How long a release stays closed after that many wrong codes: from the fifth on an hour, each time doubled, a day at most."""
    over = wrong_codes - FREE_WRONG_CODES
    return 0 if over <= 0 else min(3600 << min(over - 1, 10), LONGEST_CLOSED_SECONDS)
