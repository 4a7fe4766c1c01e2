"""The way through the platform: what each viewer finds in the side bar."""

from dataclasses import dataclass

from backend.access.rules import ROLE_NAMES, Right, Viewer
from backend.core import text, values
from backend.core.text import N_


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the side bar; `right` is what its reader needs; a pinned one is on a phone's bar as well, under its `short` word."""

    label: str
    href: str
    icon: str
    right: Right | None = None
    pinned: bool = False
    short: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the side bar: without a title always in sight, else folded unless it is `daily` or the reader is in it."""

    title: str
    entries: tuple[Entry, ...]
    daily: bool = False


SECTIONS: tuple[Section, ...] = (
    Section(
        "",
        (
            Entry(N_("Overview"), "/", "layout-dashboard"),
            Entry(N_("Monitor of the zone"), "/monitor", "chart-bar", Right.SEE_MONITOR, True, N_("Monitor")),
            Entry(N_("Scan returns"), "/returns/scan", "scan", Right.HANDLE_RETURNS, True, N_("Scan")),
            Entry(N_("Due and overdue"), "/monitor/due", "list-check", Right.SEE_RETURNS, True, N_("Due")),
            Entry(N_("To decide"), "/returns/to-decide", "gavel", Right.DECIDE_RETURNS, True),
        ),
    ),
    Section(
        N_("Returns"),
        (
            Entry(N_("Returns"), "/returns", "truck-return", Right.SEE_RETURNS, True),
            Entry(N_("Batches home"), "/returns/batches", "ship", Right.SEE_RETURNS),
            Entry(N_("Terms"), "/returns/terms", "file-text", Right.SEE_RETURNS),
            Entry(N_("Reconciliation"), "/monitor/reconciliation", "scale", Right.SEE_RETURNS),
        ),
        daily=True,
    ),
    Section(
        N_("Repairs and services"),
        (
            Entry(N_("Repairs"), "/repairs", "tools", Right.SEE_REPAIRS),
            Entry(N_("Fault rates"), "/repairs/faults", "chart-line", Right.SEE_REPAIRS),
            Entry(N_("Service jobs"), "/value-added", "clipboard-check", Right.SEE_SERVICES),
            Entry(N_("Services on offer"), "/value-added/offers", "category", Right.SEE_SERVICES),
        ),
        daily=True,
    ),
    Section(
        N_("Stock"),
        (
            Entry(N_("Stock on hand"), "/stock/balances", "packages", Right.SEE_STOCK, True, N_("Stock")),
            Entry(N_("Movements"), "/stock/movements", "arrows-exchange", Right.SEE_STOCK),
            Entry(N_("Lots"), "/stock/lots", "tags", Right.SEE_STOCK),
            Entry(N_("Lot trace"), "/value-added/trace", "sitemap", Right.SEE_STOCK),
            Entry(N_("Declaration lines"), "/stock/declarations", "clipboard-list", Right.SEE_STOCK),
            Entry(N_("Holds"), "/stock/holds", "lock", Right.SEE_STOCK),
            Entry(N_("Reservations"), "/stock/reservations", "calendar", Right.SEE_STOCK),
            Entry(N_("Import"), "/trade", "file-import", Right.IMPORT_TRADE),
        ),
        daily=True,
    ),
    Section(
        N_("Money and finance"),
        (
            Entry(N_("Charges"), "/charges", "receipt", Right.SEE_CHARGES),
            Entry(N_("Pledges"), "/value-added/pledges", "shield-check", Right.SEE_SERVICES),
            Entry(N_("Inventory statements"), "/value-added/statements", "file-text", Right.SEE_SERVICES),
        ),
    ),
    Section(
        N_("Rules and clocks"),
        (
            Entry(N_("Clocks"), "/regulations/clocks", "clock", Right.SEE_REGULATIONS),
            Entry(N_("Rules"), "/regulations/rules", "scale", Right.SEE_REGULATIONS),
        ),
    ),
    Section(
        N_("Registry"),
        (
            Entry(N_("Warehouses"), "/registry/warehouses", "building-warehouse", Right.SEE_REGISTRY),
            Entry(N_("Items"), "/registry/items", "barcode", Right.SEE_REGISTRY),
            Entry(N_("API"), "/api", "api", Right.SEE_REGISTRY),
        ),
    ),
    Section(
        N_("Administration"),
        (
            Entry(N_("Organisations"), "/access/organisations", "building", Right.MANAGE_PEOPLE),
            Entry(N_("People"), "/access/people", "users", Right.MANAGE_PEOPLE),
            Entry(N_("Jobs"), "/jobs", "clock", Right.SEE_JOBS),
        ),
    ),
)


class Reader:
    """The viewer as the frame speaks of them."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.name = viewer.name
        self.email = viewer.email
        self.kind = viewer.kind.value

    @property
    def organisation_name(self) -> str:
        """The organisation's name in the reader's language."""
        return values.display_name(self.viewer.organisation_names, text.current.get())

    @property
    def role_names(self) -> list[str]:
        """The viewer's roles, in words."""
        return [text.gettext(ROLE_NAMES[role]) for role in sorted(self.viewer.roles)]

    def may(self, right: str) -> bool:
        """Whether the viewer has the right of this name, e.g. ``stock:post``."""
        return Right(right) in self.viewer.rights


def sections(viewer: Viewer, path: str) -> list[dict[str, object]]:
    """The side bar for `viewer`; the entry that `path` lies under, the nearest one, is current."""
    shown: list[dict[str, object]] = []
    above = [
        entry.href
        for section in SECTIONS
        for entry in section.entries
        if path == entry.href or (entry.href != "/" and path.startswith(entry.href + "/"))
    ]
    nearest = max(above, key=len, default="")
    for section in SECTIONS:
        items = [
            {
                "label": text.gettext(entry.label),
                "href": entry.href,
                "icon": entry.icon,
                "current": entry.href == nearest,
                "pin": entry.pinned,
                "short": text.gettext(entry.short or entry.label),
            }
            for entry in section.entries
            if entry.right is None or viewer.may(entry.right)
        ]
        if items:
            is_in = any(item["current"] for item in items)
            title = text.gettext(section.title) if section.title else ""
            shown.append({"label": title, "items": items, "open": section.daily or is_in})
    return shown
