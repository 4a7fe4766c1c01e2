"""What the pages of access offer to choose from and speak of, in the reader's language."""

from backend.access import rules
from backend.access.rules import KIND_NAMES, ROLE_NAMES, ROLES_OF
from backend.core.text import LANGUAGES, gettext, own_name

_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def role_names() -> dict[str, str]:
    """Every role by its name for machines, in words."""
    return {role.value: gettext(name) for role, name in ROLE_NAMES.items()}


def spoken() -> list[tuple[str, str]]:
    """The languages on offer, each named in itself."""
    return [(language, own_name(language)) for language in LANGUAGES]


def zones() -> list[tuple[str, str]]:
    """The time zones that can be chosen."""
    return [(zone, "") for zone in rules.time_zones()]


def kind_names() -> dict[str, str]:
    """Every kind of organisation by its name for machines, in words."""
    return {kind.value: gettext(name) for kind, name in KIND_NAMES.items()}


def roles_by_kind() -> list[tuple[str, list[tuple[str, str]]]]:
    """The roles of every kind of organisation, in words."""
    return [
        (gettext(KIND_NAMES[kind]), [(role.value, gettext(ROLE_NAMES[role])) for role in roles])
        for kind, roles in ROLES_OF.items()
    ]


def browser_name(user_agent: str) -> str:
    """A browser and its system as people call them, else what the browser says of itself."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return gettext("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or user_agent[:60] or gettext("Unknown browser")
