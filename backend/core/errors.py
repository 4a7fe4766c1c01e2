"""Refusals: what the platform answers when something may not happen.

A refusal carries facts and one English sentence (a message id) that names the way out. It knows neither a language nor
an HTTP status: `backend/main.py` maps its family to a status and `core/text.py` speaks the sentence.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec

from backend.core import text
from backend.core.text import N_


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with one field: `sentence` is a message id with named placeholders filled from `facts`.

    `field` is the path of the field (``lines.3.quantity``), `value` what was given.
    """

    field: str
    value: object
    sentence: str
    facts: Mapping[str, object] = {}


class Refusal(Exception):
    """Something may not happen. Subclasses state the fact, set `sentence`, and pass its facts by keyword."""

    sentence: ClassVar[str] = N_("This is not possible.")

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.sentence)
        self.facts = facts
        self.faults: Sequence[Fault] = ()

    def __str__(self) -> str:
        try:
            return text.say(self.sentence, self.facts)
        except (KeyError, TypeError, ValueError):
            return self.sentence

    @property
    def code(self) -> str:
        """Stable name of the refusal for machines, e.g. ``NotEnoughFree``."""
        return type(self).__name__


class NotSignedIn(Refusal):
    """Nobody, or nobody we know any more, is asking."""

    sentence = N_("Please sign in to continue.")


class NotAllowed(Refusal):
    """The viewer is known, and this is not theirs to do."""

    sentence = N_("Your role does not allow this. Ask an administrator of your organisation for it.")


class NotFound(Refusal):
    """Nothing of this name exists that the viewer may see."""

    sentence = N_("Nothing was found here. It may have been moved, or it belongs to somebody else.")


class Conflict(Refusal):
    """It would have been possible, but something else happened first."""

    sentence = N_("Somebody changed this in the meantime. Load it again and repeat your change.")


class Invalid(Refusal):
    """The input is wrong; `faults` names every field, value and way out at once."""

    sentence = N_("Some fields need your attention.")

    def __init__(self, faults: Sequence[Fault] = (), **facts: Any) -> None:
        super().__init__(**facts)
        self.faults = tuple(faults)


@contextmanager
def told_as(names: Mapping[str, str]) -> Iterator[None]:
    """Within it, faults are told by the names of the fields that the asker knows; `names` begin paths."""
    try:
        yield
    except Invalid as refusal:
        refusal.faults = [msgspec.structs.replace(each, field=_told(each.field, names)) for each in refusal.faults]
        raise


def _told(field: str, names: Mapping[str, str]) -> str:
    for name, told in names.items():
        if field == name or field.startswith(f"{name}."):
            return told + field.removeprefix(name)
    return field


class TooLarge(Refusal):
    """The input is larger than anything meant."""

    sentence = N_("The content is larger than %(limit)s. Send it in smaller parts.")


class TooMany(Refusal):
    """Asked too often."""

    sentence = N_("Too many attempts. Wait %(seconds)s seconds and try again.")


class Unavailable(Refusal):
    """A part we need does not answer just now; nothing was done."""

    sentence = N_("The database does not answer just now. Nothing was changed; please try again in a moment.")
