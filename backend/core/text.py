"""Words: the languages on offer, the language of the moment, and gettext for it.

Message ids are English. The language of a request lives in the context variable `current`, set at the edge; below the
edge texts are only marked with `N_` and travel as ids with facts. Catalogues are compiled from their `.po` when the
`.mo` is missing or older, beside it where the folder can be written, else in memory.
"""

import gettext as stdlib_gettext
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).resolve().parents[2] / "locales"
LANGUAGES: tuple[str, ...] = ("zh_CN", "en", "ar")
FALLBACK = "en"
current: ContextVar[str] = ContextVar("language", default=FALLBACK)


def N_(sentence: str) -> str:
    """Mark a message id for the catalogue; it is spoken later, at the edge."""
    return sentence


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
    said = translations(current.get()).gettext(message) if message else ""
    return said % facts if facts else said


def ngettext(singular: str, plural: str, n: int, **facts: object) -> str:
    """The form for `n`, in the language of the moment; ``%(n)s`` and `facts` are filled."""
    return translations(current.get()).ngettext(singular, plural, n) % {"n": n, **facts}


def pgettext(context: str, message: str, **facts: object) -> str:
    """`message` as meant in `context`, in the language of the moment."""
    said = translations(current.get()).pgettext(context, message)
    return said % facts if facts else said


def npgettext(context: str, singular: str, plural: str, n: int, **facts: object) -> str:
    """The form for `n` as meant in `context`."""
    return translations(current.get()).npgettext(context, singular, plural, n) % {"n": n, **facts}


def say(sentence: str, facts: Mapping[str, object]) -> str:
    """A stored message id with its facts, in the language of the moment; translatable facts are translated too."""
    spoken = {key: str(value) if isinstance(value, Word) else value for key, value in facts.items()}
    said = translations(current.get()).gettext(sentence)
    return said % spoken if spoken else said


class Word(str):
    """A fact that is itself a message id (a state, a reason): it is translated when the sentence is spoken."""

    __slots__ = ()

    def __str__(self) -> str:
        return translations(current.get()).gettext(str.__str__(self))
