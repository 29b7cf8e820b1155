from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import FundingRollup, UsageRollup
from ledger.models import Source
from tests import audit, make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def sums() -> list[tuple[Any, ...]]:
    rows = UsageRollup.objects.order_by("day", "rate__dimension")
    return [
        (f"{r.day:%d}", r.rate.dimension, r.calls, r.quantity, r.amount) for r in rows
    ]


def test_calls_quantities_and_amounts_are_added_up() -> None:
    make.customer(credits="50")

    for key in "abc":
        make.record(make.event(key, input_tokens=1000, output_tokens=500))

    assert sums() == [
        ("15", "input_tokens", 3, 3000, Decimal("0.009")),
        ("15", "output_tokens", 3, 1500, Decimal("0.018")),
    ]
    assert audit.differences() == []


def test_a_batch_adds_as_much_as_its_events_one_by_one() -> None:
    make.customer(credits="50")

    make.record(*[make.event(key, output_tokens=0) for key in "abc"])

    assert [row[2] for row in sums()] == [3, 3]


def test_each_day_has_a_row_of_its_own() -> None:
    make.customer(credits="50")

    make.record(make.event("a"), make.event("b", occurred_at=make.NOW - DAY))

    assert [row[:2] for row in sums()] == [
        ("14", "input_tokens"),
        ("14", "output_tokens"),
        ("15", "input_tokens"),
        ("15", "output_tokens"),
    ]


def test_each_band_has_a_row_of_its_own() -> None:
    make.customer(credits="50")

    make.record(
        make.event("a", input_tokens=8192, output_tokens=0),
        make.event("b", input_tokens=8193, output_tokens=0),
    )

    rows = UsageRollup.objects.filter(rate__dimension="input_tokens", amount__gt=0)
    bands = {row.band and row.band.max_tokens: row.quantity for row in rows}
    assert bands == {8192: 8192, 32768: 8193}


def test_a_model_without_bands_has_rows_without_one() -> None:
    text = make.SEED_CARD[: make.SEED_CARD.index("  - dimension: context_window")]
    make.customer(plan=make.plan(card=make.rate_card(text)), credits="50")

    make.record(make.event("a"))
    make.record(make.event("b"))

    assert [row.band for row in UsageRollup.objects.all()] == [None, None]
    assert [row[2] for row in sums()] == [2, 2]
    assert audit.differences() == []


def test_large_quantities_are_added_to_the_last_digit() -> None:
    make.customer()
    large = Decimal("999999999999.999999999999999999")

    for key in "ab":
        make.record(make.event(key, input_tokens=0, output_tokens=large))

    assert sums()[1][3] == Decimal("1999999999999.999999999999999998")
    assert audit.differences() == []


class TestFunding:
    def test_says_which_lots_paid_for_a_period(self) -> None:
        customer = make.customer()
        free = make.lot(customer.wallet, "0.01", source=Source.PROMOTION)
        paid = make.lot(customer.wallet, "0.01")

        make.record(make.event("a"))
        make.record(make.event("b"))

        funded = FundingRollup.objects.values_list("lot", "amount")
        assert dict(funded) == {
            free.pk: Decimal("0.01"),
            paid.pk: Decimal("0.01"),
            None: Decimal("0.008464"),
        }
        assert audit.differences() == []

    def test_has_no_row_for_usage_that_cost_nothing(self) -> None:
        make.customer(credits="50")

        make.record(make.event(input_tokens=0, output_tokens=0))

        assert not FundingRollup.objects.exists()


def test_rows_name_themselves() -> None:
    make.customer(credits="0.01")
    make.record(make.event())

    assert str(UsageRollup.objects.first()) == "2026-11-15 text-gen-v3"
    names = sorted(str(row) for row in FundingRollup.objects.all())
    assert names[1] == "2026-11 overdraft"
    assert names[0].startswith("2026-11 Purchase grant:")
