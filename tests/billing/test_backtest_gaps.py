"""Which usage a backtest takes, and what only one of both sides prices."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Backtest, BacktestLine, Customer, UsageEvent
from billing.models.backtests import BacktestStatus
from billing.queries.backtests import report_backtest
from billing.services.backtests import EmptyPeriodError
from tests import make
from tests.billing.backtesting import (
    END,
    OWN,
    RICH,
    agree,
    backtest_on,
    charged,
    draft,
    gaps,
    lines,
    planned,
    use_everything,
    void,
)
from tests.make import NOW, row

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def customer() -> Customer:
    return make.customer(plan=make.plan(card=make.rate_card(RICH)), credits="50")


class TestGaps:
    def test_are_calls_that_lose_their_price(self, customer: Customer) -> None:
        use_everything()

        backtest = backtest_on(draft(customer.plan.rate_card, OWN))

        lost = ("unpriced", "draw", "unknown_model", 1)
        assert gaps(backtest) == [row(*lost, Decimal("0.12"), 0)]
        assert ("draw", "images") not in lines(backtest)
        assert (backtest.events_done, backtest.events_unpriced) == (7, 1)
        assert report_backtest(backtest).whole.before == charged()

    def test_are_calls_in_quarantine_that_get_one(self, customer: Customer) -> None:
        make.record(make.event("odd", model="unheard-of"), make.event("fine"))
        text = RICH.replace("text-gen-v3", "unheard-of")
        version = draft(
            customer.plan.rate_card, f"{RICH}---\n{text.partition('---')[0]}"
        )

        backtest = backtest_on(version)

        cost = UsageEvent.objects.get().amount
        gained = ("quarantined", "unheard-of", "unpriced_dimension", 1)
        assert gaps(backtest) == [row(*gained, 0, cost)]
        assert (backtest.events_total, backtest.events_done) == (1, 1)

    def test_of_calls_that_stay_in_quarantine_are_none(
        self, customer: Customer
    ) -> None:
        make.record(make.event("odd", model="unheard-of"))

        backtest = backtest_on(customer.plan.rate_card.versions.get())

        assert gaps(backtest) == []
        assert backtest.status == BacktestStatus.DONE

    def test_are_none_where_another_card_is_asked_first(
        self, customer: Customer
    ) -> None:
        agree(customer, rate_card=make.rate_card(RICH, code="own"))
        # The own card has prices for every model, and none for these tokens.
        make.record(make.event("odd", model="unheard-of"))
        other = OWN.replace("text-gen-v3", "unheard-of")
        version = draft(customer.plan.rate_card, f"{OWN}---\n{other}")

        assert gaps(backtest_on(version)) == []

    def test_of_a_customer_who_left_the_card_are_those_it_was_charged(
        self, customer: Customer
    ) -> None:
        make.record(make.event(), make.event("odd", model="unheard-of"))
        card = customer.plan.rate_card
        customer.plan = make.plan()
        customer.save(update_fields=["plan"])
        other = OWN.replace("text-gen-v3", "unheard-of")

        backtest = backtest_on(draft(card, other))

        cost = UsageEvent.objects.get().amount
        lost = ("unpriced", "text-gen-v3", "unknown_model", 1)
        assert gaps(backtest) == [row(*lost, cost, 0)]


class TestScope:
    def test_is_half_open(self, customer: Customer) -> None:
        for number, at in enumerate((NOW - DAY, NOW - timedelta(microseconds=1), NOW)):
            make.record(make.event(str(number), occurred_at=at))

        backtest = backtest_on(
            customer.plan.rate_card.versions.get(), start=NOW - DAY, end=NOW
        )

        assert backtest.events_done == 2

    def test_leaves_out_what_was_taken_back(self, customer: Customer) -> None:
        make.record(make.event("kept"), make.event("void"))
        void(UsageEvent.objects.get(idempotency_key="void"))

        backtest = backtest_on(customer.plan.rate_card.versions.get())

        kept = UsageEvent.objects.get(idempotency_key="kept")
        assert backtest.events_done == 1
        assert report_backtest(backtest).whole.before == kept.amount

    def test_is_one_card(self, customer: Customer) -> None:
        make.customer(external_id="cus_other", plan=make.plan(), credits="50")
        make.record(make.event(), make.event(customer="cus_other"))

        backtest = backtest_on(customer.plan.rate_card.versions.get())

        assert {line.customer_id for line in BacktestLine.objects.all()} == {
            customer.pk
        }
        assert backtest.events_total == 1

    def test_may_be_empty(self, customer: Customer) -> None:
        backtest, chunks = planned(customer.plan.rate_card.versions.get())

        assert chunks == []
        assert backtest.status == BacktestStatus.DONE
        assert backtest.percent_done == 100

    def test_has_a_length(self, customer: Customer) -> None:
        version = customer.plan.rate_card.versions.get()

        with pytest.raises(EmptyPeriodError):
            planned(version, start=END, end=END)
        assert not Backtest.objects.exists()
