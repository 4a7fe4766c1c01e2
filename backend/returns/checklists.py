"""How returned goods are looked at: the checklist of an item's class, and the best grade that its answers allow. Pure.

Classes, questions, answers and the published grades are data, in checklists.toml; every inspection names its edition.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from backend.core import text, values
from backend.core.errors import Fault
from backend.core.text import N_, Word
from backend.returns.rules import Grade

GENERAL = "general"
LONGEST_NOTE = 1000
_MOST_PHOTOS = 20

_UNANSWERED = N_("Answer this question.")
_NO_ANSWER = N_("“%(value)s” is not an answer to this question. Choose one of: %(choices)s.")
_NO_QUESTION = N_("The checklist of this class has no question “%(value)s”. Leave it out.")
_NO_GRADE = N_("“%(value)s” is not a grade. Give A, B, C or D.")
_TOO_GOOD = N_(
    "With the answer to “%(question)s” the best possible grade is %(best)s. Correct the answer, or give %(best)s."
)
_FEW_PHOTOS = N_("%(class)s need at least %(least)s photos of each unit; there are %(given)s. Take the photos first.")
_NO_PHOTO = N_("A grade needs at least one photo. Take it first.")
_MANY_PHOTOS = N_("At most %(most)s photos are possible. Leave some out.")


class Phrase(Word):
    """A fact that is known by language: a question, the name of a class."""

    def __new__(cls, texts: Mapping[str, str]) -> "Phrase":
        """The phrase of these texts by language."""
        made = super().__new__(cls, values.display_name(texts, "en"))
        made.texts = texts
        return made

    texts: Mapping[str, str]

    def __str__(self) -> str:
        return values.display_name(self.texts, text.current.get())


class Answer(msgspec.Struct, frozen=True):
    """A possible answer, and the best grade that is still possible with it."""

    id: str
    best: Grade
    text: dict[str, str]


class Question(msgspec.Struct, frozen=True):
    """A question with its answers; texts by language."""

    text: dict[str, str]
    answers: list[Answer]

    def answer(self, answer_id: str) -> Answer | None:
        """The answer of this id."""
        return next((each for each in self.answers if each.id == answer_id), None)


class Meaning(msgspec.Struct, frozen=True):
    """What a grade means for all goods."""

    name: dict[str, str]
    text: dict[str, str]


class ItemClass(msgspec.Struct, frozen=True):
    """Goods that are looked at in the same way: which, with which questions, and what each grade means for them."""

    name: dict[str, str]
    prefixes: list[str]
    photos: int
    questions: list[str]
    grades: dict[Grade, dict[str, str]]


class Edition(msgspec.Struct, frozen=True):
    """The published checklists and grades."""

    edition: str
    grades: dict[Grade, Meaning]
    questions: dict[str, Question]
    classes: dict[str, ItemClass]

    def checklist(self, item_class: str) -> dict[str, Question]:
        """The questions of a class by their ids, in their order."""
        return {name: self.questions[name] for name in self.classes[item_class].questions}


@lru_cache(maxsize=1)
def edition() -> Edition:
    """The edition in force."""
    read = tomllib.loads(Path(__file__).with_name("checklists.toml").read_text(encoding="utf-8"))
    return msgspec.convert(read, Edition)


@lru_cache(maxsize=4096)
def class_of(hs_code: str | None) -> str:
    """The class of an item by its HS code: the longest prefix that fits; without any, general goods."""
    found, longest = GENERAL, 0
    for name, each in edition().classes.items():
        for prefix in each.prefixes:
            if hs_code and hs_code.startswith(prefix) and len(prefix) > longest:
                found, longest = name, len(prefix)
    return found


def worse(one: Grade, other: Grade) -> Grade:
    """The worse of two grades."""
    return max(one, other)


def distance(one: Grade, other: Grade) -> int:
    """How many steps two grades lie apart."""
    return abs(ord(one) - ord(other))


def best_grade(item_class: str, answers: Mapping[str, str]) -> Grade:
    """The best grade that answers to the checklist of a class allow; what is not answered says nothing."""
    best = Grade.A
    for name, question in edition().checklist(item_class).items():
        if (given := answers.get(name)) and (answer := question.answer(given)):
            best = worse(best, answer.best)
    return best


def faults_of(
    item_class: str, answers: Mapping[str, str], grade: str, photos: int, note: str, at: str = ""
) -> list[Fault]:
    """Everything wrong with an inspection: questions left out, a grade better than its answers, too few photos."""
    faults: list[Fault] = []
    checklist = edition().checklist(item_class)
    for name in answers.keys() - checklist.keys():
        faults.append(Fault(f"{at}answers.{name[:64]}", answers[name], _NO_QUESTION, {"value": name[:64]}))
    given_grade = Grade(grade) if grade in list(Grade) else None
    if given_grade is None:
        faults.append(Fault(f"{at}grade", grade, _NO_GRADE, {"value": grade[:20]}))
    for name, question in checklist.items():
        given = answers.get(name, "")
        answer = question.answer(given)
        if not given:
            faults.append(Fault(f"{at}answers.{name}", "", _UNANSWERED))
        elif answer is None:
            choices = [each.id for each in question.answers]
            faults.append(Fault(f"{at}answers.{name}", given, _NO_ANSWER, {"value": given[:64], "choices": choices}))
        elif given_grade and given_grade < answer.best:
            facts = {"question": Phrase(question.text), "best": answer.best.value}
            faults.append(Fault(f"{at}grade", grade, _TOO_GOOD, facts))
    faults += photo_faults(item_class, photos, f"{at}photos")
    return faults + values.text_faults(f"{at}note", note, LONGEST_NOTE)


def photo_faults(item_class: str, photos: int, field: str) -> list[Fault]:
    """What is wrong with the number of photos."""
    wanted = edition().classes[item_class]
    if photos > _MOST_PHOTOS:
        return [Fault(field, photos, _MANY_PHOTOS, {"most": _MOST_PHOTOS})]
    if photos >= wanted.photos:
        return []
    if wanted.photos == 1:
        return [Fault(field, photos, _NO_PHOTO)]
    return [Fault(field, photos, _FEW_PHOTOS, {"class": Phrase(wanted.name), "least": wanted.photos, "given": photos})]


def agreement(pairs: Sequence[tuple[Grade, Grade]]) -> tuple[int, float | None, float | None]:
    """How graders agree: looks that were repeated by another person, the share that gave the same grade, the mean distance."""
    if not pairs:
        return 0, None, None
    apart = [distance(one, other) for one, other in pairs]
    return len(pairs), apart.count(0) / len(apart), sum(apart) / len(apart)
