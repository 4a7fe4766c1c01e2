"""Findings in words: sentences with their days, codes and lists, in the language of the moment."""

from collections.abc import Callable, Iterable
from datetime import date

from backend.core import text
from backend.regulations.evaluation import Finding, Said
from backend.regulations.facts import DOCUMENTS, FACTS

WriteDay = Callable[[date], str]


def say(said: Said, write_day: WriteDay = date.isoformat) -> str:
    """One sentence; days are written by `write_day`."""
    return text.say(said.sentence, {name: _written(value, write_day) for name, value in said.facts.items()})


def finding(found: Finding, write_day: WriteDay = date.isoformat) -> str:
    """The sentence that says why a rule fires or not."""
    return say(Said(found.sentence, found.facts), write_day)


def facts(names: Iterable[str]) -> list[str]:
    """Facts by their labels."""
    return [text.gettext(FACTS[name].label) for name in names]


def documents(names: Iterable[str]) -> list[str]:
    """Documents by their names."""
    return [text.gettext(DOCUMENTS[name]) for name in names]


def _written(value: object, write_day: WriteDay) -> object:
    if isinstance(value, date):
        return write_day(value)
    return value if isinstance(value, list | text.Word) else str(value)
