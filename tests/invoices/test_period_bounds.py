"""The least and the most that a month costs, settled when it closes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Customer
from billing.models.plans import AtZero
from invoices.models import LineKind
from tests import make
from tests.billing.test_period_metering import images
from tests.invoices.state import final, use
from tests.invoices.test_true_ups import card_text, differences
from tests.make import NOW

pytestmark = pytest.mark.django_db
BOUNDED = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    minimum_per_period_usd: 1000
    price_usd: 1
  - dimension: costs
    unit: 1 dollar
    maximum_per_period_usd: 100
    price_usd: 1.33333
"""


class TestBounds:
    @pytest.fixture
    def customer(self) -> Customer:
        plan = make.plan(card=make.rate_card(BOUNDED), at_zero=AtZero.OVERAGE)
        return make.customer(plan=plan, credits="5000")

    def test_b13_what_is_missing_to_the_least_is_owed(self, customer: Customer) -> None:
        use(images(100))

        invoice = final(customer)

        least = invoice.lines.get(kind=LineKind.TRUE_UP)
        assert (least.description, least.exact_amount) == make.row(
            "True-up to the minimum of the period · m · images", 900
        )
        assert invoice.total == 1000
        assert differences() == []

    def test_the_least_is_owed_without_any_use(self, customer: Customer) -> None:
        assert final(customer).total == 1000
        assert differences() == []

    def test_more_than_the_least_is_enough(self, customer: Customer) -> None:
        use(images(1001))

        assert final(customer).total == 1001

    @pytest.mark.parametrize(
        ("costs", "expected"), [((10,), "13.33"), ((70,), "93.33"), ((70, 50), "100")]
    )
    def test_b17_no_more_than_the_most_is_owed(
        self, customer: Customer, costs: tuple[int, ...], expected: str
    ) -> None:
        stated = [{"model": "m", "costs": cost} for cost in costs]
        use(*(replace(images(0), properties=each) for each in stated))

        assert final(customer).total == 1000 + Decimal(expected)
        assert differences() == []

    def test_a_card_of_ones_own_has_its_own_least(self, customer: Customer) -> None:
        own = make.rate_card(BOUNDED.replace("1000", "50"))
        make.terms(customer, card=own)

        assert final(customer).total == 50

    def test_is_counted_over_versions(self, customer: Customer) -> None:
        use(images(400, at=NOW - timedelta(days=1)))
        card, other = customer.plan.rate_card, BOUNDED.replace("1000", "800")
        make.published_version(card, other, effective_from=NOW)
        use(images(100))

        assert final(customer).total == 800
        assert differences() == []

    def test_b15_a_volume_price_has_a_least_too(self) -> None:
        text = card_text("B15").replace(
            "    per_period", "    minimum_per_period_usd: 150\n    per_period"
        )
        customer = make.customer(plan=make.plan(card=make.rate_card(text)))
        make.lot(customer.wallet, "500")
        use(images(5))

        lines = final(customer).lines.filter(kind=LineKind.TRUE_UP)

        amounts = lines.order_by("position").values_list("exact_amount", flat=True)
        assert list(amounts) == [100, 50]
        assert differences() == []
