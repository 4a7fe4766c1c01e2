"""The Viewer, and what it may see and do. Pure; the scopes found here are applied in each slice's queries."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import ClassVar

import msgspec

from backend.core import clock
from backend.core.errors import Conflict, Fault, Invalid, NotAllowed, NotFound, NotSignedIn, TooMany
from backend.core.text import LANGUAGES, N_, Word


class Kind(StrEnum):
    """What an organisation is in the network."""

    OPERATOR = "operator"
    EXPORTER = "exporter"
    COMMITTEE = "committee"


class Role(StrEnum):
    """What a person does for an organisation."""

    OPERATOR_MANAGER = "operator_manager"
    OPERATOR_CLERK = "operator_clerk"
    EXPORTER_MANAGER = "exporter_manager"
    EXPORTER_CLERK = "exporter_clerk"
    REGISTRAR = "registrar"
    ASSESSOR = "assessor"
    CHAIR = "chair"
    ADMINISTRATOR = "administrator"


ROLES_OF: Mapping[Kind, tuple[Role, ...]] = {
    Kind.OPERATOR: (Role.OPERATOR_MANAGER, Role.OPERATOR_CLERK),
    Kind.EXPORTER: (Role.EXPORTER_MANAGER, Role.EXPORTER_CLERK),
    Kind.COMMITTEE: (Role.REGISTRAR, Role.ASSESSOR, Role.CHAIR, Role.ADMINISTRATOR),
}

KIND_NAMES: Mapping[Kind, str] = {
    Kind.OPERATOR: N_("Operator"),
    Kind.EXPORTER: N_("Exporter"),
    Kind.COMMITTEE: N_("Committee"),
}

ROLE_NAMES: Mapping[Role, str] = {
    Role.OPERATOR_MANAGER: N_("Operator manager"),
    Role.OPERATOR_CLERK: N_("Operator clerk"),
    Role.EXPORTER_MANAGER: N_("Exporter manager"),
    Role.EXPORTER_CLERK: N_("Exporter clerk"),
    Role.REGISTRAR: N_("Committee registrar"),
    Role.ASSESSOR: N_("Committee assessor"),
    Role.CHAIR: N_("Committee chair"),
    Role.ADMINISTRATOR: N_("Administrator"),
}


class Right(StrEnum):
    """One thing that may be done. API tokens carry these as their scopes."""

    SEE_REGISTRY = "registry:read"
    KEEP_WAREHOUSES = "registry:warehouses"
    KEEP_LOCATIONS = "registry:locations"
    KEEP_ITEMS = "registry:items"
    SEE_STOCK = "stock:read"
    POST_STOCK = "stock:post"
    HOLD_STOCK = "stock:hold"
    RESERVE_STOCK = "stock:reserve"
    IMPORT_TRADE = "trade:import"
    SEE_REGULATIONS = "regulations:read"
    STATE_DECLARATIONS = "regulations:declare"
    KEEP_REGULATIONS = "regulations:keep"
    SEE_RETURNS = "returns:read"
    BOOK_RETURNS = "returns:book"
    DECIDE_RETURNS = "returns:decide"
    HANDLE_RETURNS = "returns:handle"
    SEE_REPAIRS = "repairs:read"
    DECIDE_REPAIRS = "repairs:decide"
    DO_REPAIRS = "repairs:work"
    SEE_SERVICES = "services:read"
    REQUEST_SERVICES = "services:request"
    DO_SERVICES = "services:work"
    KEEP_OFFERS = "services:offer"
    SEE_CHARGES = "charges:read"
    KEEP_PRICES = "charges:prices"
    SEE_MONITOR = "monitor:read"
    MANAGE_PEOPLE = "access:manage"
    SEE_JOBS = "jobs:read"
    KEEP_JOBS = "jobs:run"


RIGHT_NAMES: Mapping[Right, str] = {
    Right.SEE_REGISTRY: N_("See warehouses, locations and items"),
    Right.KEEP_WAREHOUSES: N_("Keep warehouses"),
    Right.KEEP_LOCATIONS: N_("Keep locations"),
    Right.KEEP_ITEMS: N_("Keep items"),
    Right.SEE_STOCK: N_("See stock and movements"),
    Right.POST_STOCK: N_("Post stock movements"),
    Right.HOLD_STOCK: N_("Hold and release stock"),
    Right.RESERVE_STOCK: N_("Reserve stock"),
    Right.IMPORT_TRADE: N_("Import trade files"),
    Right.SEE_REGULATIONS: N_("See rules and clocks"),
    Right.STATE_DECLARATIONS: N_("State the facts of declaration lines"),
    Right.KEEP_REGULATIONS: N_("Keep the rules"),
    Right.SEE_RETURNS: N_("See returns"),
    Right.BOOK_RETURNS: N_("Book returns"),
    Right.DECIDE_RETURNS: N_("Decide what becomes of returned goods"),
    Right.HANDLE_RETURNS: N_("Receive, grade and process returns"),
    Right.SEE_REPAIRS: N_("See repairs"),
    Right.DECIDE_REPAIRS: N_("Order repairs and answer quotes"),
    Right.DO_REPAIRS: N_("Carry out repairs"),
    Right.SEE_SERVICES: N_("See value-added services"),
    Right.REQUEST_SERVICES: N_("Request services and accept results"),
    Right.DO_SERVICES: N_("Carry out services"),
    Right.KEEP_OFFERS: N_("Keep the service offers of a warehouse"),
    Right.SEE_CHARGES: N_("See prices and charges"),
    Right.KEEP_PRICES: N_("Keep the prices of a warehouse"),
    Right.SEE_MONITOR: N_("See the monitor of the whole zone"),
    Right.MANAGE_PEOPLE: N_("Manage organisations and people"),
    Right.SEE_JOBS: N_("See scheduled work and jobs"),
    Right.KEEP_JOBS: N_("Run scheduled work and failed jobs"),
}

_SEE = frozenset(
    {
        *(Right.SEE_REGISTRY, Right.SEE_STOCK, Right.SEE_RETURNS, Right.SEE_REPAIRS, Right.SEE_SERVICES),
        *(Right.SEE_CHARGES, Right.SEE_REGULATIONS),
    }
)
_OPERATE = _SEE | {
    *(Right.POST_STOCK, Right.HOLD_STOCK, Right.RESERVE_STOCK, Right.KEEP_LOCATIONS),
    *(Right.HANDLE_RETURNS, Right.DO_REPAIRS, Right.DO_SERVICES),
}
_OVERSEE = _SEE | {Right.SEE_MONITOR}
_TRADE = _SEE | {Right.RESERVE_STOCK, Right.BOOK_RETURNS, Right.REQUEST_SERVICES, Right.STATE_DECLARATIONS}

RIGHTS_OF: Mapping[Role, frozenset[Right]] = {
    Role.OPERATOR_CLERK: _OPERATE,
    Role.OPERATOR_MANAGER: _OPERATE
    | {Right.KEEP_WAREHOUSES, Right.IMPORT_TRADE, Right.KEEP_ITEMS, Right.KEEP_OFFERS, Right.KEEP_PRICES},
    Role.EXPORTER_CLERK: _TRADE,
    Role.EXPORTER_MANAGER: _TRADE | {Right.KEEP_ITEMS, Right.HOLD_STOCK, Right.DECIDE_RETURNS, Right.DECIDE_REPAIRS},
    Role.REGISTRAR: _OVERSEE | {Right.KEEP_WAREHOUSES, Right.KEEP_REGULATIONS, Right.SEE_JOBS},
    Role.ASSESSOR: _OVERSEE,
    Role.CHAIR: _OVERSEE,
    Role.ADMINISTRATOR: _OVERSEE
    | {Right.MANAGE_PEOPLE, Right.KEEP_WAREHOUSES, Right.KEEP_REGULATIONS, Right.SEE_JOBS, Right.KEEP_JOBS},
}


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever asks, resolved once a request.

    `warehouse_ids` are the warehouses an operator runs (empty for everybody else); `channel` is page, api or command;
    `session_id` is the session or token that spoke.
    """

    user_id: int
    name: str
    email: str
    organisation_id: int
    organisation_code: str
    organisation_names: dict[str, str]
    kind: Kind
    roles: frozenset[Role]
    rights: frozenset[Right]
    language: str
    time_zone: str
    channel: str
    warehouse_ids: tuple[int, ...] = ()
    session_id: str = ""

    def may(self, right: Right) -> bool:
        """Whether the viewer has `right` at all; whose things it covers is the scope's question."""
        return right in self.rights


class NotYourOrganisation(NotAllowed):
    """The act belongs to another organisation."""

    sentence: ClassVar[str] = N_("This belongs to another organisation. Ask its people to do it.")


def require(viewer: Viewer | None, right: Right) -> Viewer:
    """The viewer, who has `right`; refuses nobody and those without it."""
    if viewer is None:
        raise NotSignedIn
    if right not in viewer.rights:
        raise NotAllowed
    return viewer


def require_one_of(viewer: Viewer | None, rights: frozenset[Right]) -> Viewer:
    """The viewer, who has at least one of `rights`; refuses nobody and those without any."""
    if viewer is None:
        raise NotSignedIn
    if not rights & viewer.rights:
        raise NotAllowed
    return viewer


def rights_of(roles: frozenset[Role]) -> frozenset[Right]:
    """Everything that any of `roles` may do."""
    return frozenset().union(*(RIGHTS_OF[role] for role in roles))


def sees_everything(viewer: Viewer) -> bool:
    """The committee sees the network."""
    return viewer.kind is Kind.COMMITTEE


def runs_warehouse(viewer: Viewer, warehouse_id: int) -> bool:
    """Whether the viewer's organisation operates the warehouse."""
    return viewer.kind is Kind.OPERATOR and warehouse_id in viewer.warehouse_ids


def owns(viewer: Viewer, owner_id: int) -> bool:
    """Whether the goods are the viewer's own."""
    return viewer.kind is Kind.EXPORTER and viewer.organisation_id == owner_id


# ------------------------------------------------------------------------------------------------------- signing in

SESSION_LASTS = timedelta(hours=12)
KEPT_SESSION_LASTS = timedelta(days=30)
LONGEST_TOKEN_DAYS = 366
ENDED_KEPT_DAYS = 90
FREE_FAILURES = 4
LONGEST_LOCK_SECONDS = 900
LARGEST_ID = 2**63 - 1


def lock_seconds(failures: int) -> int:
    """How long signing in stays closed after that many wrong passwords in a row: from the fifth on 30 s, each time doubled."""
    return 0 if failures <= FREE_FAILURES else min(LONGEST_LOCK_SECONDS, 30 << min(failures - FREE_FAILURES - 1, 10))


class WrongSignIn(Invalid):
    """Unknown address, wrong password, disabled account: the reader learns no more than that it did not fit."""

    sentence: ClassVar[str] = N_(
        "The e-mail address and the password do not fit together. Check both, or ask your administrator for a new password."
    )


class Locked(TooMany):
    """Too many wrong passwords in a row."""

    sentence: ClassVar[str] = N_(
        "Too many wrong passwords. Wait %(seconds)s seconds and try again, or ask your administrator for a new password."
    )


# ------------------------------------------------------------------------------------------------- keeping of access


class NotYourself(NotAllowed):
    """Nobody cuts the branch they sit on."""

    sentence: ClassVar[str] = N_("You cannot take your own access away. Ask another administrator to do it.")


class LastAdministrator(NotAllowed):
    """Without an administrator nobody could ever add one again."""

    sentence: ClassVar[str] = N_(
        "This would leave no active administrator. Make somebody else an administrator first, then repeat it."
    )


COMMITTEE_NAMES: Mapping[str, str] = {
    "zh": "跨境电商综试区建设领导小组办公室",
    "en": "Office of the Cross-border E-commerce Pilot Zone",
    "ar": "مكتب المنطقة التجريبية للتجارة الإلكترونية عبر الحدود",
}


class OwnPassword(NotAllowed):
    """One's own password is changed by whoever knows it."""

    sentence: ClassVar[str] = N_(
        "Change your own password on the page “My account”, where the present one is asked for."
    )


class NoSuchPerson(NotFound):
    """A command names somebody unknown."""

    sentence: ClassVar[str] = N_(
        "There is no active person “%(email)s” in an active organisation. Check the address, or add the person first."
    )


class AlreadySetUp(Conflict):
    """The first administrator is made once."""

    sentence: ClassVar[str] = N_(
        "There is an administrator already: %(email)s. Sign in as that person and add others on the page “People”."
    )


# The form that HTML itself gives an e-mail address (WHATWG HTML, "valid e-mail address"), in small letters.
_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SHORTEST_PASSWORD, _LONGEST_PASSWORD, _FEWEST_SIGNS = 10, 200, 5


@cache
def time_zones() -> tuple[str, ...]:
    """Every IANA time zone that may be chosen, sorted."""
    return tuple(clock.zones())


def is_email(text: str) -> bool:
    """Whether `text` is an e-mail address in its one spelling."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def email(text: str, faults: list[Fault]) -> str:
    """The e-mail address in its one spelling (small letters); anything else becomes a fault."""
    given = text.strip().lower()
    if not given:
        faults.append(Fault("email", text, N_("Give an e-mail address, like name@company.example.")))
    elif not is_email(given):
        faults.append(
            Fault(
                "email",
                text,
                N_("“%(value)s” is not an e-mail address. Write it like name@company.example."),
                {"value": text},
            )
        )
    return given


def name(field: str, text: str, most: int, faults: list[Fault]) -> str:
    """A name of 1 to `most` characters, none of them invisible; anything else becomes a fault."""
    line = " ".join(text.split())
    if not line:
        faults.append(Fault(field, text, N_("Give a name.")))
    elif len(line) > most or _CONTROL.search(line):
        faults.append(
            Fault(field, text, N_("A name has at most %(most)s characters, and no invisible ones."), {"most": most})
        )
    return line


def language(text: str, faults: list[Fault]) -> str:
    """One of the languages on offer; anything else becomes a fault."""
    if text not in LANGUAGES:
        faults.append(
            Fault(
                "language", text, N_("“%(value)s” is not a language on offer. Choose one of the list."), {"value": text}
            )
        )
    return text


def time_zone(text: str, faults: list[Fault]) -> str:
    """An IANA time zone; anything else becomes a fault."""
    if not text:
        faults.append(Fault("time_zone", text, N_("Choose a time zone of the list, for example Europe/Berlin.")))
    elif text not in time_zones():
        faults.append(
            Fault(
                "time_zone",
                text,
                N_("“%(value)s” is not a time zone. Choose one of the list, for example Europe/Berlin."),
                {"value": text},
            )
        )
    return text


def password(field: str, text: str, address: str, faults: list[Fault]) -> str:
    """A password worth keeping; a weak one becomes a fault (which never repeats it)."""
    if not _SHORTEST_PASSWORD <= len(text) <= _LONGEST_PASSWORD:
        faults.append(
            Fault(
                field,
                "",
                N_("A password has %(least)s to %(most)s characters. Several words in a row are easy to remember."),
                {"least": _SHORTEST_PASSWORD, "most": _LONGEST_PASSWORD},
            )
        )
    elif len(set(text)) < _FEWEST_SIGNS or text.casefold() in (address, address.split("@")[0]):
        faults.append(
            Fault(field, "", N_("This password is easy to guess. Use several words that do not belong together."))
        )
    return text


def kind(text: str, faults: list[Fault]) -> Kind:
    """A kind of organisation; anything else becomes a fault."""
    try:
        return Kind(text)
    except ValueError:
        faults.append(
            Fault(
                "kind", text, N_("“%(value)s” is not a kind of organisation. Choose one of the list."), {"value": text}
            )
        )
        return Kind.EXPORTER


def roles(given: Iterable[str], of: Kind | None, faults: list[Fault]) -> list[Role]:
    """The roles `given`, at least one, all of an organisation of the kind `of` (if known); anything else becomes a fault."""
    wanted = list(dict.fromkeys(given))
    possible = ROLES_OF[of] if of else tuple(Role)
    for name in wanted:
        if name not in possible:
            known = Word(ROLE_NAMES[Role(name)]) if name in list(Role) else name
            faults.append(
                Fault(
                    "roles",
                    name,
                    N_(
                        "“%(role)s” is not a role in an organisation of the kind “%(kind)s”. Choose one of its own roles."
                    ),
                    {"role": known, "kind": Word(KIND_NAMES[of]) if of else ""},
                )
            )
    if not wanted:
        faults.append(Fault("roles", "", N_("Choose at least one role.")))
    return [role for role in possible if role in wanted]


def scopes(given: Iterable[str], viewer: Viewer, faults: list[Fault]) -> list[Right]:
    """The rights a token gets: at least one, none that its maker has not; anything else becomes a fault."""
    wanted = list(dict.fromkeys(given))
    for name in wanted:
        if name not in viewer.rights:
            faults.append(
                Fault(
                    "rights",
                    name,
                    N_("“%(value)s” is not a right of yours, so a token cannot have it either. Leave it out."),
                    {"value": Word(RIGHT_NAMES[Right(name)]) if name in list(Right) else name},
                )
            )
    if not wanted:
        faults.append(Fault("rights", "", N_("Choose at least one right.")))
    return [right for right in Right if right in wanted]


def token_days(text: str, faults: list[Fault]) -> int:
    """How many days a token lives, 1 to 366; anything else becomes a fault."""
    if text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= LONGEST_TOKEN_DAYS:
        return int(text)
    faults.append(
        Fault(
            "days",
            text,
            N_("“%(value)s” is not a number of days. Give 1 to %(most)s."),
            {"value": text, "most": LONGEST_TOKEN_DAYS},
        )
    )
    return 1
