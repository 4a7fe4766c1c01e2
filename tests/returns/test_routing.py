"""Which warehouse is proposed for a return: reasons, order, and that worse is never ranked better."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.returns import places, routing
from backend.returns.places import Source
from backend.returns.routing import Candidate, Capability, Home, Wanted, Way
from backend.returns.rules import Kind

HAMBURG = places.place_of("DE", "Hamburg")


def wanted(**overrides: Any) -> Wanted:
    return Wanted(**{"kind": Kind.BUYER, "country": "DE", "buyer": HAMBURG, "pieces": 1, **overrides})


def candidate(code: str = "A", **overrides: Any) -> Candidate:
    usual = {
        "warehouse_id": ord(code[0]),
        "country": "DE",
        "latitude": Decimal("53.5"),
        "longitude": Decimal("10"),
        "kinds": frozenset(Kind),
        "capabilities": frozenset(Capability),
        "countries": frozenset(),
        "daily_units": 100,
        "waiting": 0,
        "expected": 0,
        "receipt": Decimal(1),
        "receipt_currency": "EUR",
        "inspection": Decimal(2),
        "inspection_currency": "EUR",
    }
    return Candidate(code=code, **{**usual, **overrides})


def order(*candidates: Candidate, **overrides: Any) -> list[str]:
    return [each.code for each in routing.ranked(wanted(**overrides), candidates)]


def said(of: Candidate, *others: Candidate, **overrides: Any) -> str:
    """Everything that is said of a candidate among others."""
    found = next(each for each in routing.ranked(wanted(**overrides), [of, *others]) if each.code == of.code)
    return " ".join(reason.sentence % reason.facts for reason in found.reasons)


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        ({"country": "GB"}, "has to be imported"),
        ({"latitude": Decimal("41.4"), "longitude": Decimal("2.2"), "country": "ES"}, "km from the buyer"),
        ({"waiting": 900}, "wait to be graded: 900"),
        ({"expected": 900}, "on their way: 900"),
        ({"daily_units": 1}, "graded in a day: 1."),
        ({"inspection": Decimal("9.50")}, "costs 10.50 EUR"),
        ({"inspection": None}, "No price is published"),
    ],
)
def test_a_worse_warehouse_comes_second_and_says_why(worse: dict[str, Any], why: str) -> None:
    better, bad = candidate("B"), candidate("A", **worse)
    assert order(bad, better) == ["B", "A"]
    assert why in said(bad, better)


@pytest.mark.parametrize(
    ("facts", "overrides", "why"),
    [
        ({"kinds": frozenset({"recall"})}, {}, "Does not take this kind of return"),
        ({"countries": frozenset({"FR"})}, {}, "Takes no parcels from DE"),
        (
            {"capabilities": frozenset({"grading"})},
            {"needs": frozenset({Capability.BATTERY})},
            "cannot do what is needed",
        ),
        ({}, {"lies_in": frozenset({1})}, "lie in another warehouse"),
    ],
)
def test_a_desk_that_cannot_take_it_comes_last_with_the_reason(
    facts: dict[str, Any], overrides: dict[str, Any], why: str
) -> None:
    bad = candidate("A", **facts)
    (proposal,) = routing.ranked(wanted(**overrides), [bad])
    assert (proposal.possible, proposal.points) == (False, 0)
    assert why in said(bad, **overrides)
    assert order(bad, candidate("B", warehouse_id=1, waiting=10**6), **overrides) == ["B", "A"]


def test_prices_of_other_currencies_are_not_compared() -> None:
    cheap = candidate("C", receipt=Decimal("0.01"), receipt_currency="USD", inspection_currency="USD")
    assert "not compared with the prices in EUR" in said(cheap, candidate("A"), candidate("B"))
    assert order(cheap, candidate("A"), candidate("B"))[-1] == "C"
    mixed = candidate("M", receipt_currency="USD")
    assert "No price is published" in said(mixed, candidate("A"))


def test_the_european_union_is_one_customs_territory() -> None:
    assert "nothing is imported" in said(candidate(country="PL"))
    assert "has to be imported" in said(candidate(country="CH"))
    assert routing.territory_of("CN") == "CN"


def test_the_way_home_through_another_district_is_open_to_9610_only() -> None:
    closed = Home(way=Way.CLOSED, supervision_code="9810", export_area="4600", home_area="2200")
    assert "go home only through customs district 4600" in said(candidate(), home=closed)
    assert "free of duty and tax" in said(candidate(), home=Home(way=Way.OPEN, supervision_code="9610"))
    no_home = candidate("B", capabilities=frozenset(Capability) - {Capability.SEND_HOME})
    assert "does not send goods home" in said(no_home, home=closed)
    assert order(no_home, candidate("A"), home=Home(way=Way.OPEN)) == ["A", "B"]


def test_where_the_buyer_is_and_how_that_is_known() -> None:
    assert "measured from Hamburg" in said(candidate())
    assert "measured from Berlin, because" in said(candidate(), buyer=places.place_of("DE", "Kleinkleckersdorf"))
    assert "from the coordinates" in said(candidate(), buyer=places.place_of("DE", "", Decimal(50), Decimal(8)))
    assert "distance is not known" in said(candidate(), buyer=places.place_of("AQ", ""))


@pytest.mark.parametrize("name", ["München", "MUNICH", "muenchen", "慕尼黑", "ميونخ"])
def test_a_city_is_known_by_its_names(name: str) -> None:
    found = places.place_of("DE", name)
    assert found is not None
    assert (found.name, found.source) == ("Munich", Source.CITY)
    assert places.place_of("US", "München") != found


def test_distances_are_great_circles() -> None:
    paris = places.place_of("FR", "Paris")
    assert paris is not None
    assert places.distance_km(paris, Decimal("40.7128"), Decimal("-74.0060")) == pytest.approx(5837, abs=10)
    assert places.distance_km(paris, paris.latitude, paris.longitude) == 0


def test_what_goods_need_is_seen_from_their_code_and_size() -> None:
    assert routing.needs_of([("8507600000", None, None)]) == {Capability.BATTERY}
    assert routing.needs_of([(None, Decimal(30), None), ("9403", None, Decimal(10))]) == {Capability.BULKY}
    assert routing.needs_of([("6109", Decimal(1), Decimal(40))]) == frozenset()


amounts = st.decimals("0", "1000", places=2)
candidates = st.builds(
    candidate,
    st.sampled_from("BCDEFG"),
    country=st.sampled_from(["DE", "FR", "GB", "US"]),
    latitude=st.decimals("-80", "80", places=3),
    longitude=st.decimals("-180", "180", places=3),
    daily_units=st.integers(1, 1000),
    waiting=st.integers(0, 10**6),
    expected=st.integers(0, 10**6),
    inspection=st.none() | amounts,
    inspection_currency=st.sampled_from(["EUR", "USD"]),
)


@given(st.lists(candidates, max_size=5, unique_by=lambda each: each.code), candidates, st.data())
def test_worse_never_ranks_better(others: list[Candidate], one: Candidate, data: st.DataObject) -> None:
    one = msgspec.structs.replace(one, code="A")
    worse = data.draw(
        st.sampled_from(
            [
                {"waiting": one.waiting + data.draw(st.integers(0, 10**6))},
                {"expected": one.expected + data.draw(st.integers(0, 10**6))},
                {"daily_units": max(1, one.daily_units - data.draw(st.integers(0, 999)))},
                {"kinds": frozenset()},
            ]
        )
    )
    before = order(one, *others).index("A")
    assert order(msgspec.structs.replace(one, **worse), *others).index("A") >= before


@given(st.lists(candidates, max_size=8, unique_by=lambda each: each.code), st.permutations(range(8)))
def test_the_order_does_not_depend_on_the_order_given(several: list[Candidate], places_: list[int]) -> None:
    shuffled = [several[place] for place in places_ if place < len(several)]
    assert order(*several) == order(*shuffled)
    assert all(0 <= each.points <= 100 for each in routing.ranked(wanted(), several))
