"""What moves credits beside metering fires and arms alerts too."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from billing.models import Customer
from billing.queries.alerts import list_customers_to_review
from billing.services.alerts import review_balance
from billing.services.quarantine import retry_quarantined
from ledger.models import Book, CreditLot, Kind
from ledger.withdrawing import Withdrawal, withdraw_credits
from tests import audit, make
from tests.billing.alerting import alert, call, told, use, watched
from tests.make import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def customer() -> Customer:
    """Return a customer with 10 credits that never expire."""
    return make.customer(credits="10")


def review(at: datetime = NOW) -> list[int]:
    """Review whom the clock would; returns them."""
    waiting = list_customers_to_review(at=at)
    for customer_id in waiting:
        review_balance(customer_id=customer_id, at=at)
    return waiting


class TestCorrections:
    def test_that_give_back_arm_again(self, customer: Customer) -> None:
        alert(customer, "8")
        use("a")

        make.void(customer, "a")

        assert watched(customer) == 8

    def test_that_take_more_fire(self, customer: Customer) -> None:
        alert(customer, "6")
        use("a")

        make.amend(customer, "a", by="b", input_tokens=0, output_tokens=500_000)

        assert told(customer) == ["6"]


class TestOtherDebits:
    def test_of_quarantined_events_fire(self, customer: Customer) -> None:
        alert(customer, "8")
        make.record(call("a", model="new-model"))
        text = make.SEED_CARD.replace("text-gen-v3", "new-model")
        make.published_version(
            customer.plan.rate_card,
            f"{make.SEED_CARD}---\n{text}",
            effective_from=NOW,
        )

        retry_quarantined(received_at=NOW)

        assert told(customer) == ["8"]

    def test_of_a_refund_fire(self, customer: Customer) -> None:
        alert(customer, "8")
        lot = CreditLot.objects.get()

        withdraw_credits(
            wallet_id=customer.wallet_id,
            withdrawals=[Withdrawal(lot.pk, Decimal(4), Book.REFUNDED)],
            kind=Kind.REFUND,
            cause="refund:1",
            actor="ada",
            occurred_at=NOW,
        )
        review_balance(customer_id=customer.pk, at=NOW)

        assert told(customer) == ["8"]


class TestTime:
    def test_that_lets_credits_lapse_fires_once(self, customer: Customer) -> None:
        make.lot(customer.wallet, "5", expires_at=NOW + DAY)
        alert(customer, "12")

        assert review(NOW + DAY - timedelta(microseconds=1)) == []
        assert review(NOW + DAY) == [customer.pk]
        assert review(NOW + DAY) == []

        assert told(customer) == ["12"]

    def test_that_lets_credits_begin_arms(self, customer: Customer) -> None:
        alert(customer, "8")
        use("a")
        make.lot(customer.wallet, "5", starts_at=NOW + DAY)
        assert review(NOW) == []

        review(NOW + DAY)

        assert watched(customer) == 8
        assert told(customer) == ["8"]

    def test_passes_by_those_whom_nothing_happens_to(self, customer: Customer) -> None:
        alert(customer, "8", "20")

        assert review(NOW + 400 * DAY) == []

    def test_is_looked_at_twice_without_effect(self, customer: Customer) -> None:
        make.lot(customer.wallet, "5", expires_at=NOW + DAY)
        alert(customer, "12")

        for _ in range(2):
            review_balance(customer_id=customer.pk, at=NOW + DAY)

        assert told(customer) == ["12"]

    def test_review_of_somebody_without_alerts_does_nothing(
        self, customer: Customer
    ) -> None:
        review_balance(customer_id=customer.pk, at=NOW)

        assert watched(customer) is None


def test_the_auditor_names_a_customer_whose_alerts_are_not_watched(
    customer: Customer,
) -> None:
    alert(customer, "8", "5")
    assert audit.differences() == []

    Customer.objects.update(watch_below=5)

    assert audit.differences() == [f"customer {customer.pk}: 8 expected, 5 stored"]


def test_a_stale_watch_is_put_right_at_the_next_debit(customer: Customer) -> None:
    alert(customer, "5")
    Customer.objects.update(watch_below=9)

    use("a")

    assert told(customer) == []
    assert watched(customer) == 5
