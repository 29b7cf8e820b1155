"""Prices by the period, as usage comes in: batches, months, versions, concurrency."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from billing.models import Charge, Customer, RateCard, UsageEvent
from billing.services.events import PostedEvent
from ledger.money import total
from tests import audit, make
from tests.invoices.state import at_once, final, use
from tests.make import NOW

PERIOD = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    per_period: graduated
    free_per_period: 5
    tiers:
      - up_to: 10
        price_usd: 10
        flat_usd: 2
      - price_usd: 5
"""


@pytest.fixture
def card() -> RateCard:
    return make.rate_card(PERIOD)


@pytest.fixture
def customer(card: RateCard) -> Customer:
    return make.customer(credits="5000", plan=make.plan(card=card))


def images(
    count: int | Decimal, *, at: datetime = NOW, customer: str = "cus_abc123"
) -> PostedEvent:
    return PostedEvent(
        customer=customer,
        idempotency_key=f"k-{make.unique()}",
        event_name="images",
        occurred_at=at,
        properties={"model": "m", "images": count},
    )


def charged() -> Decimal:
    return total(Charge.objects.values_list("amount", flat=True))


@pytest.mark.django_db
@pytest.mark.usefixtures("customer")
class TestMetering:
    def test_each_batch_begins_where_the_last_one_ended(self) -> None:
        use(images(4), images(4))
        use(images(4))
        use(images(4))

        tiers = Charge.objects.order_by("pk").values_list("tier", "quantity")
        assert [*tiers] == [
            make.row(0, 4),
            make.row(1, 0),
            make.row(0, 1),
            make.row(1, 3),
            make.row(1, 4),
            make.row(1, 3),
            make.row(2, 1),
        ]
        assert charged() == 2 + 10 * 10 + 1 * 5
        assert audit.differences() == []

    def test_one_batch_costs_what_many_do(self) -> None:
        use(*(images(1) for _ in range(30)))

        assert charged() == 2 + 100 + 15 * 5

    def test_each_period_begins_anew(self) -> None:
        october = NOW - timedelta(days=20)

        use(images(6, at=october), images(6, at=NOW))

        assert charged() == 2 * (2 + 10)
        assert audit.differences() == []

    def test_a_new_version_goes_on_counting(self, card: RateCard) -> None:
        use(images(15, at=NOW - timedelta(days=1)))
        dearer = PERIOD.replace("price_usd: 5", "price_usd: 7")
        make.published_version(card, dearer, effective_from=NOW)

        [outcome] = use(images(1))

        assert outcome.cost == 7

    def test_late_usage_counts_in_the_period_that_bills_it(self) -> None:
        october = NOW - timedelta(days=20)
        make.close_period(datetime.fromisoformat("2026-11-01T00:00:00Z"))
        use(images(5))

        [outcome] = use(images(1, at=october))

        assert outcome.cost == 10
        assert UsageEvent.objects.get(occurred_at=october).is_late

    def test_the_first_call_after_all_were_taken_back_is_the_first_again(
        self, customer: Customer
    ) -> None:
        first = images(6)
        use(first)
        make.void(customer, first.idempotency_key)

        [outcome] = use(images(6))

        assert outcome.cost == 2 + 10

    def test_a_card_of_ones_own_counts_anew(self, customer: Customer) -> None:
        use(images(15, at=NOW - timedelta(days=1)))
        make.terms(customer, card=make.rate_card(PERIOD), effective_from=NOW)

        [outcome] = use(images(6))

        assert outcome.cost == 2 + 10

    def test_customers_are_counted_apart(self, customer: Customer) -> None:
        other = make.customer(external_id="cus_other", credits="50", plan=customer.plan)
        use(images(5))

        [outcome] = use(images(5, customer=other.external_id))

        assert outcome.cost == 2

    def test_an_invoice_has_a_line_for_each_tier(self, customer: Customer) -> None:
        use(images(20))

        lines = final(customer).lines.order_by("position")

        assert [(line.description, line.exact_amount) for line in lines] == [
            make.row("m · images · free units", 0),
            make.row("m · images · tier 1", 102),
            make.row("m · images · tier 2", 25),
        ]
        assert audit.differences() == []


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_are_counted_one_after_the_other() -> None:
    make.customer(credits="5000", plan=make.plan(card=make.rate_card(PERIOD)))

    at_once(lambda: use(*(images(1) for _ in range(5))), times=4)

    assert charged() == 2 + 100 + 5 * 5
    assert audit.differences() == []
