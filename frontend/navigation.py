"""The way through the platform: what each viewer finds in the side bar."""

from dataclasses import dataclass

from backend.access.rules import ROLE_NAMES, Right, Viewer
from backend.core import text, values
from backend.core.text import N_


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the side bar; `right` is what its reader needs."""

    label: str
    href: str
    icon: str
    right: Right | None = None


SECTIONS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "",
        (Entry(N_("Overview"), "/", "layout-dashboard"),),
    ),
    (
        N_("Stock"),
        (
            Entry(N_("Stock on hand"), "/stock/balances", "packages", Right.SEE_STOCK),
            Entry(N_("Movements"), "/stock/movements", "arrows-exchange", Right.SEE_STOCK),
            Entry(N_("Lots"), "/stock/lots", "tags", Right.SEE_STOCK),
            Entry(N_("Lot trace"), "/value-added/trace", "sitemap", Right.SEE_STOCK),
            Entry(N_("Declaration lines"), "/stock/declarations", "clipboard-list", Right.SEE_STOCK),
            Entry(N_("Holds"), "/stock/holds", "lock", Right.SEE_STOCK),
            Entry(N_("Reservations"), "/stock/reservations", "calendar", Right.SEE_STOCK),
            Entry(N_("Import"), "/trade", "file-import", Right.IMPORT_TRADE),
        ),
    ),
    (
        N_("Returns and services"),
        (
            Entry(N_("Returns"), "/returns", "truck-return", Right.SEE_RETURNS),
            Entry(N_("Scan returns"), "/returns/scan", "scan", Right.HANDLE_RETURNS),
            Entry(N_("To decide"), "/returns/to-decide", "gavel", Right.DECIDE_RETURNS),
            Entry(N_("Due and overdue"), "/monitor/due", "list-check", Right.SEE_RETURNS),
            Entry(N_("Batches home"), "/returns/batches", "ship", Right.SEE_RETURNS),
            Entry(N_("Terms"), "/returns/terms", "gavel", Right.SEE_RETURNS),
            Entry(N_("Reconciliation"), "/monitor/reconciliation", "scale", Right.SEE_RETURNS),
            Entry(N_("Monitor of the zone"), "/monitor", "chart-bar", Right.SEE_MONITOR),
            Entry(N_("Repairs"), "/repairs", "tools", Right.SEE_REPAIRS),
            Entry(N_("Fault rates"), "/repairs/faults", "chart-line", Right.SEE_REPAIRS),
            Entry(N_("Service jobs"), "/value-added", "clipboard-check", Right.SEE_SERVICES),
            Entry(N_("Services on offer"), "/value-added/offers", "category", Right.SEE_SERVICES),
            Entry(N_("Pledges"), "/value-added/pledges", "shield-check", Right.SEE_SERVICES),
            Entry(N_("Inventory statements"), "/value-added/statements", "file-text", Right.SEE_SERVICES),
            Entry(N_("Charges"), "/charges", "receipt", Right.SEE_CHARGES),
        ),
    ),
    (
        N_("Rules and clocks"),
        (
            Entry(N_("Clocks"), "/regulations/clocks", "clock", Right.SEE_REGULATIONS),
            Entry(N_("Rules"), "/regulations/rules", "scale", Right.SEE_REGULATIONS),
        ),
    ),
    (
        N_("Registry"),
        (
            Entry(N_("Warehouses"), "/registry/warehouses", "building-warehouse", Right.SEE_REGISTRY),
            Entry(N_("Items"), "/registry/items", "barcode", Right.SEE_REGISTRY),
            Entry(N_("API"), "/api", "api", Right.SEE_REGISTRY),
        ),
    ),
    (
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
        for _, entries in SECTIONS
        for entry in entries
        if path == entry.href or (entry.href != "/" and path.startswith(entry.href + "/"))
    ]
    nearest = max(above, key=len, default="")
    for label, entries in SECTIONS:
        items = [
            {
                "label": text.gettext(entry.label),
                "href": entry.href,
                "icon": entry.icon,
                "current": entry.href == nearest,
            }
            for entry in entries
            if entry.right is None or viewer.may(entry.right)
        ]
        if items:
            shown.append({"label": text.gettext(label) if label else "", "items": items})
    return shown
