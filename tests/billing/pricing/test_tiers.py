"""Oracle cases B: what a period's tiers and packages cost, as others' tests have it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.tiers import (
    Allowance,
    Tier,
    TierError,
    TierPart,
    amount_of,
    beyond_maximum,
    free_units,
    graduated,
    missing_to_minimum,
    package,
    volume,
)
from ledger.money import round_to_currency


def tiers(*rows: tuple[str | None, str, str]) -> list[Tier]:
    return [
        Tier(Decimal(up_to) if up_to else None, Decimal(price), Decimal(flat))
        for up_to, price, flat in rows
    ]


LAGO = tiers(("10", "10", "2"), ("20", "5", "3"), (None, "5", "3"))
LAGO_DECIMAL = tiers(("0.1", "10", "0"), ("1", "5", "0"), (None, "2", "0"))
LAGO_VOLUME = tiers(("100", "2", "10"), ("200", "1", "0"), (None, "0.5", "50"))
PERCENTAGE = tiers(("1000", "0.01", "200"), ("10000", "0.02", "300"))
OPENMETER = tiers(
    ("5", "0", "100"), ("10", "0", "150"), ("15", "10", "0"), (None, "5", "0")
)
STRIPE = tiers(("5", "7", "0"), ("10", "6.5", "0"), (None, "6", "0"))
STRIPE_OLD = tiers(
    ("5", "5", "0"),
    ("10", "4", "0"),
    ("15", "3", "0"),
    ("20", "2", "0"),
    (None, "1", "0"),
)


@pytest.mark.parametrize(
    ("units", "expected"),
    [("0", 2), ("1", 12), ("10", 102), ("11", 110), ("12", 115), ("21", 163)],
)
def test_b1_graduated_with_flat_prices(units: str, expected: int) -> None:
    assert amount_of(graduated(LAGO, None, Decimal(units))) == expected


def test_b2_no_use_costs_nothing_where_the_first_flat_price_is_zero() -> None:
    assert graduated(LAGO_DECIMAL, None, Decimal(0)) == []


@pytest.mark.parametrize(("units", "expected"), [("0.05", "0.5"), ("0.5", "3.0")])
def test_b3_ranges_may_be_fractions(units: str, expected: str) -> None:
    amount = amount_of(graduated(LAGO_DECIMAL, None, Decimal(units)))

    assert amount == Decimal(expected)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        *[("0", "10"), ("1", "12"), ("100", "210"), ("100.5", "100.5")],
        *[("101", "101"), ("200", "200"), ("300", "200")],
    ],
)
def test_b4_volume(units: str, expected: str) -> None:
    assert amount_of(volume(LAGO_VOLUME, None, Decimal(units))) == Decimal(expected)


def test_b7_a_percentage_is_a_price_per_unit_of_money() -> None:
    (part,) = graduated(tiers((None, "0.029", "0")), None, Decimal(4))

    assert part.amount == Decimal("0.116")


def test_b10_each_event_pays_what_its_place_in_the_period_costs() -> None:
    events = [Decimal(500), Decimal(550), Decimal(4000)]
    starts = [None, Decimal(500), Decimal(1050)]

    costs = [
        amount_of(graduated(PERCENTAGE, before, added))
        for before, added in zip(starts, events, strict=True)
    ]

    assert costs == [205, 306, 80]


@pytest.mark.parametrize(("units", "cents"), [(5, 12_500), (15, 8000)])
def test_b11_volume_with_flat_prices_in_cents(units: int, cents: int) -> None:
    prices = tiers(("10", "5", "100"), (None, "2", "50"))

    assert amount_of(volume(prices, None, Decimal(units))) * 100 == cents


def test_b13_a_period_without_use_owes_the_rest_of_its_minimum() -> None:
    assert missing_to_minimum(Decimal(1000), charged=Decimal(100)) == 900
    assert missing_to_minimum(Decimal(1000), charged=Decimal(1001)) == 0


@pytest.mark.parametrize(
    ("units", "expected"),
    [(0, 100), (3, 100), (5, 100), (14, 140), (15, 150), (16, 80), (100, 500)],
)
def test_b15_volume_of_flat_and_unit_prices(units: int, expected: int) -> None:
    assert amount_of(volume(OPENMETER, None, Decimal(units))) == expected


def test_b15_and_a_minimum_on_top() -> None:
    charged = amount_of(volume(OPENMETER, None, Decimal(5)))

    assert charged == 100
    assert missing_to_minimum(Decimal(150), charged) == 50


def test_b17_a_maximum_hit_in_the_middle_cuts_what_is_above() -> None:
    price = tiers((None, "1.33333", "0"))
    one = amount_of(graduated(price, None, Decimal(10)))
    before = amount_of(graduated(price, None, Decimal(70)))
    amount = amount_of(graduated(price, Decimal(70), Decimal(50)))

    cut = beyond_maximum(Decimal(100), before, amount)

    assert round_to_currency(one, "USD") == Decimal("13.33")
    assert round_to_currency(before, "USD") == Decimal("93.33")
    assert round_to_currency(amount, "USD") == Decimal("66.67")
    assert round_to_currency(cut, "USD") == Decimal("60.00")
    assert before + amount - cut == 100
    assert beyond_maximum(Decimal(100), Decimal(100), Decimal(7)) == 7


@pytest.mark.parametrize(
    ("units", "by_volume", "by_unit"),
    [
        *[(1, "7", "7"), (5, "35", "35"), (6, "39", "41.50")],
        *[(20, "120", "127.50"), (25, "150", "157.50")],
    ],
)
def test_b19_volume_and_graduated(units: int, by_volume: str, by_unit: str) -> None:
    assert amount_of(volume(STRIPE, None, Decimal(units))) == Decimal(by_volume)
    assert amount_of(graduated(STRIPE, None, Decimal(units))) == Decimal(by_unit)


@pytest.mark.parametrize(
    ("units", "expected"), [(1, 5), (5, 25), (6, 24), (20, 40), (25, 25)]
)
def test_b20_volume_over_five_tiers(units: int, expected: int) -> None:
    assert amount_of(volume(STRIPE_OLD, None, Decimal(units))) == expected


def test_b20_graduated_over_five_tiers() -> None:
    assert amount_of(graduated(STRIPE_OLD, None, Decimal(6))) == 29


def test_an_event_is_split_at_the_bound_that_it_crosses() -> None:
    assert graduated(LAGO, Decimal(8), Decimal(4)) == [
        TierPart(0, Decimal(2), Decimal(10), Decimal(0)),
        TierPart(1, Decimal(2), Decimal(5), Decimal(3)),
    ]


def test_a_bound_belongs_to_the_lower_tier() -> None:
    assert [part.tier for part in graduated(LAGO, Decimal(9), Decimal(1))] == [0]
    assert [part.tier for part in graduated(LAGO, Decimal(10), Decimal(1))] == [1]


def test_a_volume_that_reaches_a_tier_takes_back_what_was_charged() -> None:
    prices = tiers(("15", "10", "0"), (None, "5", "0"))

    parts = volume(prices, Decimal(15), Decimal(1))

    assert [part.amount for part in parts] == [-150, 80]


def test_a_volume_within_a_tier_adds_the_units_alone() -> None:
    assert volume(LAGO_VOLUME, Decimal(3), Decimal(4)) == [
        TierPart(0, Decimal(4), Decimal(2), Decimal(0))
    ]


@pytest.mark.parametrize(
    ("before", "added", "packages"),
    [(None, 0, 0), (None, 1, 1), (1, 99, 0), (100, 1, 1), (99, 102, 2), (0, 1000, 10)],
)
def test_a_package_that_is_begun_is_paid_whole_and_once(
    before: int | None, added: int, packages: int
) -> None:
    used = None if before is None else Decimal(before)

    part = package(Decimal(100), Decimal(5), used, Decimal(added))

    assert part.quantity == packages
    assert part.amount == packages * 5


def test_the_first_units_of_a_period_are_free() -> None:
    hundred, zero, twenty = Decimal(100), Decimal(0), Decimal(20)

    first = free_units(hundred, None, Decimal(70))
    second = free_units(hundred, Decimal(70), Decimal(50))
    third = free_units(hundred, Decimal(120), Decimal(5))

    assert first == Allowance(Decimal(70), before=None, added=zero)
    assert second == Allowance(Decimal(30), before=zero, added=twenty)
    assert third == Allowance(zero, before=twenty, added=Decimal(5))


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("5", "1", "0"), ("5", "1", "0")],
        [("0", "1", "0")],
        [(None, "1", "0"), ("5", "1", "0")],
        [("5", "1", "0")],
    ],
)
def test_tiers_ascend_and_hold_the_quantity(
    rows: list[tuple[str | None, str, str]],
) -> None:
    for price in (graduated, volume):
        with pytest.raises(TierError):
            price(tiers(*rows), None, Decimal(6))


def test_a_quantity_is_not_negative_and_a_package_not_empty() -> None:
    with pytest.raises(TierError, match="below zero"):
        graduated(LAGO, Decimal(5), Decimal(-1))
    with pytest.raises(TierError, match="must hold something"):
        package(Decimal(0), Decimal(5), None, Decimal(1))


amounts = st.decimals(0, 1000, places=6)


@st.composite
def tier_lists(draw: st.DrawFn) -> list[Tier]:
    bounds = draw(st.lists(st.decimals("0.001", 500, places=3), unique=True))
    ends = [*sorted(bounds), None]
    return [Tier(end, draw(amounts), draw(amounts)) for end in ends]


def in_parts(events: list[Decimal]) -> list[tuple[Decimal | None, Decimal]]:
    starts = [sum(events[:i], Decimal(0)) for i in range(len(events))]
    return list(zip([None, *starts[1:]], events, strict=True))


@given(tier_lists(), st.lists(st.decimals(0, 200, places=3), min_size=1, max_size=8))
def test_many_events_cost_what_one_of_all_their_units_does(
    prices: list[Tier], events: list[Decimal]
) -> None:
    whole = sum(events, Decimal(0))

    for price in (graduated, volume):
        parts = [
            part
            for start, added in in_parts(events)
            for part in price(prices, start, added)
        ]
        assert amount_of(parts) == amount_of(price(prices, None, whole))


@given(
    st.decimals("0.001", 100, places=3),
    st.lists(st.decimals(0, 200, places=3), min_size=1, max_size=8),
)
def test_packages_and_free_units_do_not_depend_on_the_split(
    size: Decimal, events: list[Decimal]
) -> None:
    whole = sum(events, Decimal(0))
    split = in_parts(events)

    opened = [package(size, Decimal(5), start, added) for start, added in split]
    paid = [free_units(size, start, added).added for start, added in split]

    assert amount_of(opened) == package(size, Decimal(5), None, whole).amount
    assert sum(paid) == free_units(size, None, whole).added
