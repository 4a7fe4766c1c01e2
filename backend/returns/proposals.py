"""Which warehouses are proposed for a return, and why: the facts of the database for the rules of routing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from backend.access import rules as access_rules
from backend.access.rules import Right, Viewer
from backend.core import clock
from backend.core.database import DB, blocks
from backend.core.errors import Fault, Invalid
from backend.core.text import N_
from backend.regulations import queries as regulations_queries
from backend.regulations import rules as regulations
from backend.regulations.editions import Editions
from backend.regulations.rules import LineFacts, ReturnFacts, Standing
from backend.returns import booking, claims, places, reasons, routing
from backend.returns.booking import Booking
from backend.returns.claims import Taken
from backend.returns.routing import Candidate, Capability, Home, Proposal, Wanted, Way
from backend.returns.rules import Basis, Kind

SQL = blocks(Path(__file__).with_name("proposals.sql"))


async def proposals(viewer: Viewer, asked: Booking, wishes: Sequence[str] = ()) -> list[Proposal]:
    """Every open returns desk for a return that the viewer wants to book, best first, each with its reasons.

    `wishes` are capabilities that the exporter asks for. Refuses a booking with any fault but that of its warehouse.
    """
    access_rules.require(viewer, Right.BOOK_RETURNS)
    today = clock.now().date()
    faults = booking.faults_of(asked, today)
    needs = {Capability.GRADING}
    for wish in wishes:
        if wish in list(Capability):
            needs.add(Capability(wish))
        else:
            sentence = N_("“%(value)s” is not possible here. Choose one of the list.")
            faults.append(Fault("wishes", wish, sentence, {"value": wish}))
    lines = booking.sound_lines(asked.lines, faults)
    taken = await claims.resolve(viewer.organisation_id, None, lines, faults)
    if faults:
        raise Invalid(faults)
    buyer = asked.buyer
    wanted = Wanted(
        kind=Kind(asked.kind),
        country=buyer.country.strip().upper(),
        buyer=places.place_of(buyer.country, buyer.city, buyer.latitude, buyer.longitude),
        pieces=sum(each.quantity for each in taken),
        needs=frozenset(needs) | routing.needs_of((each.hs_code, each.weight_kg, each.longest_cm) for each in taken),
        lies_in=frozenset(each.lies_in for each in taken if each.basis is Basis.UNSOLD),
        home=await way_home(viewer.organisation_id, taken, asked, today),
    )
    return routing.ranked(wanted, await candidates(viewer.organisation_id))


async def candidates(owner_id: int) -> list[Candidate]:
    """Every open returns desk, with its queue and the prices that this owner is asked: one statement."""
    names = Candidate.__struct_fields__
    return [
        Candidate(
            **{name: row[name] for name in names if name not in ("kinds", "capabilities", "countries")},
            kinds=frozenset(row["kinds"]),
            capabilities=frozenset(row["capabilities"]),
            countries=frozenset(row["countries"]),
        )
        for row in await DB.fetch(SQL["candidates"], owner_id)
    ]


def kept(proposal: Proposal) -> dict[str, Any]:
    """A proposal as it is kept with the return that was booked for it."""
    plain: dict[str, Any] = msgspec.to_builtins(proposal)
    return plain


_WORST_FIRST = (Way.CLOSED, Way.ASK, Way.TAXED, Way.OPEN)


async def way_home(owner_id: int, taken: Iterable[Taken], asked: Booking, today: date) -> Home:
    """What the law says of the way home of all the goods, if they were sent today: that of the worst line."""
    distinct = {(each.declaration, each.supervision_code, each.exported_on) for each in taken}
    keys = [(owner_id, *declaration) for declaration, _, _ in distinct if declaration]
    declared = await regulations_queries.facts_of(keys)
    lines = [
        (declaration and declared.get((owner_id, *declaration)))
        or LineFacts(supervision_code=code or None, exported_on=exported_on)
        for declaration, code, exported_on in distinct
    ]
    editions = await regulations_queries.editions()
    cause = reasons.cause_of(asked.reason, Kind(asked.kind))
    homes = [_home(editions, line, asked.home_area, cause, today) for line in lines]
    return min(homes, key=lambda home: (_WORST_FIRST.index(home.way), home.supervision_code, home.export_area))


def _home(editions: Editions, line: LineFacts, home_area: str, cause: reasons.Cause, today: date) -> Home:
    area = home_area or line.customs_area
    facts = ReturnFacts(line=line, returned_on=today, cause=cause.value, original_state=True, home_area=area)
    outcome = regulations.judge_return(editions, facts)
    way = _WAYS.get((outcome.customs, outcome.tax), Way.ASK)
    return Home(
        way=Way.CLOSED if outcome.customs is Standing.REFUSED else way,
        supervision_code=line.supervision_code or "",
        export_area=line.customs_area or "",
        home_area=area or "",
    )


_WAYS: Mapping[tuple[Standing, Standing], Way] = {
    (Standing.ALLOWED, Standing.EXEMPT): Way.OPEN,
    (Standing.ALLOWED, Standing.TAXED): Way.TAXED,
}
