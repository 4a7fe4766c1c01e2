"""Words: the languages on offer, the language of the moment, and gettext for it.

Message ids are English. The language of a request lives in the context variable `current`, set at the edge; below the
edge texts are only marked with `N_` and travel as ids with facts. Catalogues are compiled from their `.po` when the
`.mo` is missing or older, beside it where the folder can be written, else in memory.
"""

import gettext as stdlib_gettext
import io
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).resolve().parents[2] / "locales"
LANGUAGES: tuple[str, ...] = ("zh_CN", "en", "ar")
FALLBACK = "en"
current: ContextVar[str] = ContextVar("language", default=FALLBACK)


def N_(sentence: str) -> str:
    """Mark a message id for the catalogue; it is spoken later, at the edge."""
    return sentence


def P_(context: str, sentence: str) -> str:
    """Mark a message id that is meant in `context`: catalogues keep it under both, and `gettext` finds it so."""
    return f"{context}\x04{sentence}"


def locale(language: str | None = None) -> Locale:
    """The CLDR locale of `language`, or of the moment."""
    return _locale(language or current.get())


@lru_cache(maxsize=32)
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def tag(language: str) -> str:
    """The BCP 47 tag of a language, e.g. ``zh-CN``."""
    return language.replace("_", "-")


def direction(language: str) -> str:
    """``rtl`` or ``ltr``."""
    return _locale(language).text_direction


def own_name(language: str) -> str:
    """The language's name in itself, e.g. 简体中文."""
    return {"zh_CN": "简体中文"}.get(language) or _locale(language).get_language_name() or language


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Everything said inside is said in `language`."""
    token = current.set(language)
    try:
        yield
    finally:
        current.reset(token)


def negotiate(*wishes: str | None, accept: str = "") -> str:
    """The first offered language among `wishes`, then by an Accept-Language header, then English.

    A tag matches its own language (``zh``, ``zh-Hans-CN``, ``zh-TW`` -> zh_CN; ``ar-EG`` -> ar).
    """
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(accept.split(",")):
        name, _, parameters = part.strip().partition(";")
        try:
            quality = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            quality = 0.0
        if name and quality > 0:
            ranked.append((-quality, position, name))
    for wish in (*wishes, *(name for _, _, name in sorted(ranked))):
        if wish and (found := _offered(wish)):
            return found
    return FALLBACK


def _offered(wish: str) -> str | None:
    wanted = wish.replace("-", "_").casefold()
    base = wanted.split("_")[0]
    exact = [language for language in LANGUAGES if language.casefold() == wanted]
    return next(iter(exact + [language for language in LANGUAGES if language.split("_")[0] == base]), None)


def compiled(po: Path) -> io.BytesIO:
    """The binary catalogue of a `.po` file, kept beside it when that is possible."""
    mo = po.with_suffix(".mo")
    if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
        return io.BytesIO(mo.read_bytes())
    buffer = io.BytesIO()
    with po.open("rb") as file:
        write_mo(buffer, read_po(file))
    if os.access(po.parent, os.W_OK):
        with tempfile.NamedTemporaryFile(dir=po.parent, suffix=".part", delete=False) as part:
            part.write(buffer.getvalue())
        os.chmod(part.name, 0o644)
        os.replace(part.name, mo)
    buffer.seek(0)
    return buffer


@lru_cache(maxsize=32)
def translations(language: str) -> stdlib_gettext.NullTranslations:
    """The catalogue of `language`; English speaks through its own catalogue too, so that plurals are right."""
    po = LOCALES / language / "LC_MESSAGES" / "messages.po"
    return stdlib_gettext.GNUTranslations(compiled(po)) if po.exists() else stdlib_gettext.NullTranslations()


def gettext(message: str, **facts: object) -> str:
    """`message` in the language of the moment, its named placeholders filled from `facts`."""
    return _filled(translations(current.get()).gettext(message) if message else "", facts)


def ngettext(singular: str, plural: str, n: int, **facts: object) -> str:
    """The form for `n`, in the language of the moment; ``%(n)s`` and `facts` are filled."""
    return _filled(translations(current.get()).ngettext(singular, plural, n), {"n": n, **facts})


def pgettext(context: str, message: str, **facts: object) -> str:
    """`message` as meant in `context`, in the language of the moment."""
    return _filled(translations(current.get()).pgettext(context, message), facts)


def npgettext(context: str, singular: str, plural: str, n: int, **facts: object) -> str:
    """The form for `n` as meant in `context`."""
    return _filled(translations(current.get()).npgettext(context, singular, plural, n), {"n": n, **facts})


def say(sentence: str, facts: Mapping[str, object]) -> str:
    """A stored message id with its facts, in the language of the moment."""
    return _filled(translations(current.get()).gettext(sentence), facts)


def _filled(said: str, facts: Mapping[str, object]) -> str:
    return said % {name: spoken(fact) for name, fact in facts.items()} if facts else said


class Word(str):
    """A fact that is itself a message id (a state, a reason): it is translated when the sentence is spoken."""

    __slots__ = ()

    def __str__(self) -> str:
        return translations(current.get()).gettext(str.__str__(self))


# --------------------------------------------------------------------------------------------- facts in sentences

FSI, PDI = "\u2068", "\u2069"
_ISOLATES = str.maketrans("", "", "\u2066\u2067" + FSI + PDI)
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\u061c\u2067\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]"
)


def turns(words: str) -> bool:
    """Whether anything in `words` runs from right to left."""
    return _RIGHT_TO_LEFT.search(words) is not None


def isolated(words: str) -> str:
    """`words` with a direction of their own, that of their first letter, whatever stands around them.

    What somebody typed does not reach beyond its own isolate.
    """
    return f"{FSI}{words.translate(_ISOLATES)}{PDI}"


def spoken(fact: object) -> object:
    """A fact as it stands in a sentence of the language of the moment.

    A `Word` is translated and a list joined; what may run another way than the sentence (a code, a name, a day)
    is isolated, so that neither scrambles the other. Markup says its direction itself.
    """
    if isinstance(fact, Word):
        return str(fact)
    if isinstance(fact, list | tuple):
        return listed(fact)
    if not isinstance(fact, str | int | Decimal) or isinstance(fact, bool) or hasattr(fact, "__html__"):
        return fact
    words = str(fact)
    disturbs = not words.isdigit() if direction(current.get()) == "rtl" else turns(words)
    return isolated(words) if words and disturbs else fact


def listed(facts: Sequence[object]) -> str:
    """Several facts in one sentence, joined as the language of the moment does: a, b, and c; a、b和c."""
    return format_list([str(spoken(fact)) for fact in facts], "standard", locale())


def few(facts: Sequence[object], most: int = 3) -> str:
    """The first `most` of several facts, and how many more there are: a, b, c, and 5 more."""
    more = len(facts) - most
    return listed([*facts[:most], ngettext("%(n)s more", "%(n)s more", more)] if more > 0 else facts)
