"""Which warehouse a return should go to: every candidate with its reasons, best first. Pure.

A desk that cannot take the return is left out, with the reason. The others get points for customs territory, distance,
queue, price and the way home; the figures are data, in routing.toml.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from backend.core.text import N_, Word
from backend.returns import places
from backend.returns.places import Place, Source
from backend.returns.rules import KIND_NAMES, Kind


class Capability(StrEnum):
    """What a returns desk can do, or may keep."""

    GRADING = "grading"
    PHOTOS = "photos"
    REPAIR = "repair"
    RELABEL = "relabel"
    SEND_HOME = "send_home"
    BATTERY = "battery"
    BULKY = "bulky"


CAPABILITY_NAMES: Mapping[Capability, str] = {
    Capability.GRADING: N_("Inspection and grading"),
    Capability.PHOTOS: N_("Photos of every piece"),
    Capability.REPAIR: N_("Repair"),
    Capability.RELABEL: N_("Relabelling"),
    Capability.SEND_HOME: N_("Sending home to China"),
    Capability.BATTERY: N_("Goods with batteries"),
    Capability.BULKY: N_("Bulky goods"),
}


class Way(StrEnum):
    """What the law says of the way home, in short."""

    OPEN = "open"
    TAXED = "taxed"
    CLOSED = "closed"
    ASK = "ask"


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """The way home of the goods: under which code they left, through which customs districts they left and would come."""

    way: Way
    supervision_code: str = ""
    export_area: str = ""
    home_area: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be routed. `needs` are capabilities that the goods or the exporter ask for; `lies_in` where unsold goods lie."""

    kind: Kind
    country: str
    buyer: Place | None
    pieces: int
    needs: frozenset[Capability] = frozenset({Capability.GRADING})
    lies_in: frozenset[int] = frozenset()
    home: Home | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A warehouse with its returns desk: pieces that wait there, pieces on their way, prices for a piece."""

    warehouse_id: int
    code: str
    country: str
    latitude: Decimal
    longitude: Decimal
    kinds: frozenset[str]
    capabilities: frozenset[str]
    countries: frozenset[str]
    daily_units: int
    waiting: int
    expected: int
    receipt: Decimal | None = None
    receipt_currency: str | None = None
    inspection: Decimal | None = None
    inspection_currency: str | None = None
    names: dict[str, str] = {}
    city: dict[str, str] = {}


class Said(msgspec.Struct, frozen=True):
    """One reason, for (good) or against (warn, bad) a warehouse: a message id with its facts."""

    level: Literal["good", "neutral", "warn", "bad"]
    sentence: str
    facts: Mapping[str, object] = {}


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate with its points (0 to 100) and reasons; not `possible` when its desk cannot take the return."""

    warehouse_id: int
    code: str
    names: dict[str, str]
    city: dict[str, str]
    country: str
    possible: bool
    points: Decimal
    reasons: tuple[Said, ...]
    distance_km: int | None = None
    queue_days: Decimal | None = None
    price: Decimal | None = None
    currency: str | None = None


class _Figures(msgspec.Struct, frozen=True):
    points: dict[str, Decimal]
    half: dict[str, Decimal]
    territories: dict[str, str]
    needs: dict[Capability, "_Need"]


class _Need(msgspec.Struct, frozen=True):
    hs: tuple[str, ...] = ()
    weight_kg: Decimal | None = None
    longest_cm: Decimal | None = None


@lru_cache(maxsize=1)
def _figures() -> _Figures:
    read = tomllib.loads(Path(__file__).with_name("routing.toml").read_text(encoding="utf-8"))
    return msgspec.convert(read, _Figures)


def territory_of(country: str) -> str:
    """The customs territory that a country belongs to: its union's name, or the country itself."""
    unions = _figures().territories
    return next((name for name, members in unions.items() if country in members.split()), country)


def needs_of(goods: Iterable[tuple[str | None, Decimal | None, Decimal | None]]) -> frozenset[Capability]:
    """What goods need of a desk, by HS code, weight in kg and longest side in cm (None is not known)."""
    found = set()
    for hs_code, weight_kg, longest_cm in goods:
        for capability, need in _figures().needs.items():
            heavy = need.weight_kg is not None and weight_kg is not None and weight_kg >= need.weight_kg
            long = need.longest_cm is not None and longest_cm is not None and longest_cm >= need.longest_cm
            if heavy or long or (hs_code or "").startswith(need.hs):
                found.add(capability)
    return frozenset(found)


def needed_by_goods() -> frozenset[Capability]:
    """Capabilities that are seen from the goods, so that nobody has to ask for them."""
    return frozenset(_figures().needs)


def ranked(wanted: Wanted, candidates: Sequence[Candidate]) -> list[Proposal]:
    """Every candidate with its points and reasons: the possible ones best first, then the others, by code among equals."""
    possible = [each for each in candidates if not obstacles(wanted, each)]
    prices = _Prices(possible)
    proposals = [_judged(wanted, each, prices) for each in candidates]
    return sorted(proposals, key=lambda each: (not each.possible, -each.points, each.code))


def obstacles(wanted: Wanted, candidate: Candidate) -> list[Said]:
    """Why a desk cannot take the return at all; nothing when it can."""
    found = []
    if wanted.kind not in candidate.kinds:
        facts = {"kind": Word(KIND_NAMES[wanted.kind])}
        found.append(Said("bad", N_("Does not take this kind of return: %(kind)s."), facts))
    if wanted.country and candidate.countries and wanted.country not in candidate.countries:
        found.append(Said("bad", N_("Takes no parcels from %(country)s."), {"country": wanted.country}))
    if wanted.lies_in and wanted.lies_in != {candidate.warehouse_id}:
        found.append(Said("bad", N_("The unsold goods lie in another warehouse.")))
    found += [
        Said("bad", N_("Its desk cannot do what is needed: %(capability)s."), {"capability": Word(name)})
        for capability, name in CAPABILITY_NAMES.items()
        if capability in wanted.needs and capability not in candidate.capabilities
    ]
    return found


def _judged(wanted: Wanted, candidate: Candidate, prices: "_Prices") -> Proposal:
    against = obstacles(wanted, candidate)
    points, reasons = Decimal(0), list(against)
    distance_km = None
    if wanted.buyer is not None:
        distance_km = places.distance_km(wanted.buyer, candidate.latitude, candidate.longitude)
    queue_days = Decimal(candidate.waiting + candidate.expected + wanted.pieces) / candidate.daily_units
    price, currency = _price(candidate)
    for share, said in (
        _territory(wanted, candidate),
        _distance(wanted, distance_km),
        _queue(candidate, queue_days),
        prices.judged(price, currency),
        _way_home(wanted, candidate),
    ):
        points += share
        reasons += said if not against else []
    return Proposal(
        warehouse_id=candidate.warehouse_id,
        code=candidate.code,
        names=candidate.names,
        city=candidate.city,
        country=candidate.country,
        possible=not against,
        points=points if not against else Decimal(0),
        reasons=tuple(reasons),
        distance_km=distance_km,
        queue_days=queue_days,
        price=price,
        currency=currency,
    )


_Judged = tuple[Decimal, list[Said]]


def _halving(question: str, value: Decimal, half: Decimal) -> Decimal:
    """All points at zero, half of them at `half`, ever fewer beyond."""
    return _figures().points[question] * half / (half + value)


def _territory(wanted: Wanted, candidate: Candidate) -> _Judged:
    if not wanted.country:
        return Decimal(0), []
    theirs, ours = territory_of(wanted.country), territory_of(candidate.country)
    facts = {"buyer": theirs, "warehouse": ours}
    if theirs == ours:
        sentence = N_("In the buyer's customs territory (%(warehouse)s): nothing is imported on the way.")
        return _figures().points["territory"], [Said("good", sentence, facts)]
    sentence = N_(
        "Outside the buyer's customs territory: from %(buyer)s to %(warehouse)s the parcel has to be imported."
    )
    return Decimal(0), [Said("warn", sentence, facts)]


_DISTANCES = {
    Source.GIVEN: N_("About %(km)s km from the buyer, measured from the coordinates given."),
    Source.CITY: N_("About %(km)s km from the buyer, measured from %(place)s."),
    Source.CAPITAL: N_(
        "About %(km)s km from the buyer, measured from %(place)s, because the buyer's city is not known here."
    ),
}


def _distance(wanted: Wanted, distance_km: int | None) -> _Judged:
    if distance_km is None or wanted.buyer is None:
        if not wanted.country:
            return Decimal(0), []
        return Decimal(0), [Said("warn", N_("The distance is not known: give the buyer's city or coordinates."))]
    half = _figures().half["distance_km"]
    level: Literal["good", "neutral"] = "good" if distance_km <= half else "neutral"
    said = Said(level, _DISTANCES[wanted.buyer.source], {"km": distance_km, "place": wanted.buyer.name})
    return _halving("distance", Decimal(distance_km), half), [said]


def _queue(candidate: Candidate, queue_days: Decimal) -> _Judged:
    half = _figures().half["queue_days"]
    facts = {
        "waiting": candidate.waiting,
        "expected": candidate.expected,
        "daily": candidate.daily_units,
        "days": f"{max(queue_days, Decimal('0.1')):.1f}",
    }
    sentence = N_(
        "Pieces that wait to be graded: %(waiting)s; on their way: %(expected)s; graded in a day: %(daily)s. With yours "
        "about %(days)s days of work."
    )
    level: Literal["good", "neutral", "warn"] = (
        "good" if queue_days <= 1 else "neutral" if queue_days <= 2 * half else "warn"
    )
    return _halving("queue", queue_days, half), [Said(level, sentence, facts)]


def _price(candidate: Candidate) -> tuple[Decimal | None, str | None]:
    """What receiving and grading a piece costs, where both prices are published in one currency."""
    if candidate.receipt is None or candidate.inspection is None:
        return None, None
    if candidate.receipt_currency != candidate.inspection_currency:
        return None, None
    return candidate.receipt + candidate.inspection, candidate.receipt_currency


def _plain(price: Decimal | None) -> str:
    """A price with at least two decimals, and no zeros behind them."""
    if price is None:
        return ""
    kept = price.normalize()
    return f"{kept:f}" if -int(kept.as_tuple().exponent) > 2 else f"{kept:.2f}"


class _Prices:
    """Prices are compared within the currency that most candidates ask; no rate of exchange is invented."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        asked: dict[str, list[Decimal]] = {}
        for each in candidates:
            price, currency = _price(each)
            if price is not None and currency is not None:
                asked.setdefault(currency, []).append(price)
        counts = Counter({currency: len(prices) for currency, prices in asked.items()})
        self._currency = min(counts, key=lambda currency: (-counts[currency], currency), default="")
        self._lowest = min(asked.get(self._currency, [Decimal(0)]))

    def judged(self, price: Decimal | None, currency: str | None) -> _Judged:
        """The points of a price: all for the lowest, half for twice as much; half where it cannot be compared."""
        most = _figures().points["price"]
        facts = {"price": _plain(price), "currency": currency, "others": self._currency}
        if price is None:
            sentence = N_("No price is published for receiving and grading a piece. Ask the operator.")
            return Decimal(0), [Said("warn", sentence)]
        if currency != self._currency:
            sentence = N_(
                "Receiving and grading a piece costs %(price)s %(currency)s. That is not compared with the prices in %(others)s."
            )
            return most / 2, [Said("neutral", sentence, facts)]
        sentence = N_("Receiving and grading a piece costs %(price)s %(currency)s.")
        lowest = price <= self._lowest
        return most * self._lowest / price if not lowest else most, [
            Said("good" if lowest else "neutral", sentence, facts)
        ]


_WAYS: Mapping[Way, tuple[Literal["good", "neutral", "warn"], str]] = {
    Way.OPEN: ("good", N_("The goods may go home from here by the returns route, free of duty and tax.")),
    Way.TAXED: ("warn", N_("The goods may go home from here, but duty and tax are due.")),
    Way.CLOSED: ("warn", N_("Goods of this declaration may not go home by the returns route.")),
    Way.ASK: ("neutral", N_("Whether the goods may go home by the returns route, a person must decide.")),
}
_CLOSED_BY_AREA = N_(
    "Goods exported under %(code)s go home only through customs district %(export)s; through %(home)s only goods under 9610 "
    "may."
)


def _way_home(wanted: Wanted, candidate: Candidate) -> _Judged:
    home = wanted.home
    if home is None:
        return Decimal(0), []
    if Capability.SEND_HOME not in candidate.capabilities:
        return Decimal(0), [Said("neutral", N_("Its desk does not send goods home."))]
    facts = {"code": home.supervision_code, "export": home.export_area, "home": home.home_area}
    level, sentence = _WAYS[home.way]
    elsewhere = bool(home.home_area and home.export_area and home.home_area != home.export_area)
    if home.way is Way.CLOSED and elsewhere and home.supervision_code != "9610":
        sentence = _CLOSED_BY_AREA
    share = {Way.OPEN: Decimal(1), Way.TAXED: Decimal("0.5"), Way.ASK: Decimal("0.5"), Way.CLOSED: Decimal(0)}
    return _figures().points["home"] * share[home.way], [Said(level, sentence, facts)]
