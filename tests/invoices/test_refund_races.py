"""Refunds at the same moment, of the same purchase: never more than is unused."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from pytest_django import Settings

from invoices.models import DisputeStatus, Refund, SimulatedRefund
from invoices.payments import Progress, RefundNews
from invoices.payments.simulated import NAME
from invoices.queries.refunds import RefundTooLargeError
from invoices.services.news import act_on
from invoices.services.refunds import NotWaitingError, approve_refund
from invoices.services.sending import send_refund
from ledger.money import total
from tests.invoices.refunding import (
    answer,
    assert_books_agree,
    bank_says,
    bought,
    customer,
    left,
    notes,
    provider_says_refunded,
    refund,
    use,
)
from tests.make import NOW
from tests.threads import run_at_once, run_behind

pytestmark = pytest.mark.django_db(transaction=True)


def status_of(call: Callable[[], Refund]) -> str:
    """Return how a refund stands, or why there is none."""
    try:
        return call().status
    except (RefundTooLargeError, NotWaitingError) as error:
        return type(error).__name__


def refunded() -> Decimal:
    return total(Refund.objects.values_list("amount", flat=True))


def test_twenty_at_once_never_refund_more_than_is_unused() -> None:
    invoice = bought(bonus="5", used="12")
    calls = [
        partial(status_of, partial(refund, invoice, "5", key=f"key-{n}"))
        for n in range(20)
    ]

    assert Counter(run_at_once(calls)) == {"withdrawn": 7, "RefundTooLargeError": 13}

    assert refunded() == 35
    assert left(invoice) == (3, 0, 3)
    assert_books_agree()


def test_one_key_twenty_times_at_once_is_one_refund() -> None:
    invoice = bought()

    made = run_at_once([partial(refund, invoice, "20")] * 20)

    assert {each.pk for each in made} == {Refund.objects.get().pk}
    assert left(invoice) == (30, 30)


def test_sent_by_eight_at_once_goes_back_once() -> None:
    made = refund(bought(), "20")

    run_at_once([partial(send_refund, refund_id=made.pk, at=NOW)] * 8)

    assert SimulatedRefund.objects.count() == 1
    assert notes() == [("CN-2026-000001", 20)]


def test_approved_by_four_at_once_is_withdrawn_once(settings: Settings) -> None:
    settings.REFUND_APPROVAL_ABOVE = Decimal(0)
    invoice = bought()
    made = refund(invoice, "30")
    calls = [
        partial(status_of, partial(approve_refund, refund=made, by=name, at=NOW))
        for name in ("bob", "eve", "kim", "sam")
    ]

    assert Counter(run_at_once(calls)) == {"withdrawn": 1, "NotWaitingError": 3}

    assert left(invoice) == (20, 20)
    assert_books_agree()


def test_that_is_sent_and_fails_at_once_ends_as_failed() -> None:
    invoice = bought()
    made = refund(invoice, "20")
    news = RefundNews(reference=made.reference, progress=Progress.FAILED)
    late = RefundNews(reference=made.reference, progress=Progress.PENDING)
    calls = [partial(act_on, provider=NAME, news=each, at=NOW) for each in (news, late)]

    run_at_once(calls * 4)

    made.refresh_from_db()
    assert made.status == "failed"
    assert left(invoice) == (50, 50)
    assert_books_agree()


def test_all_that_can_happen_at_once_never_deadlocks() -> None:
    buyer = customer()
    first, second = (bought(bonus="5", by=buyer) for _ in range(2))
    waiting = refund(second, "10", key="waiting")

    calls: list[Callable[[], object]] = [
        *(partial(use, buyer, "1") for _ in range(4)),
        *(partial(bank_says, first, status) for status in DisputeStatus),
        *(
            partial(status_of, partial(refund, first, "5", key=f"key-{n}"))
            for n in range(4)
        ),
        *(partial(send_refund, refund_id=waiting.pk, at=NOW) for _ in range(2)),
        partial(provider_says_refunded, first, "10"),
        partial(provider_says_refunded, second, "20"),
    ]
    run_at_once(calls)

    assert_books_agree()


def test_a_dispute_that_opens_while_a_refund_fails_holds_its_credits() -> None:
    invoice = bought()
    made = refund(invoice, "20")
    fail = partial(answer, made, Progress.FAILED)

    run_behind(fail, [partial(bank_says, invoice, DisputeStatus.OPEN)], commit=True)

    assert left(invoice) == (0, 0)
    assert_books_agree()


def test_won_and_lost_at_once_is_won() -> None:
    invoice = bought(used="40")
    bank_says(invoice, DisputeStatus.OPEN)

    run_at_once([partial(bank_says, invoice, status) for status in DisputeStatus] * 3)

    assert left(invoice) == (10, 10)
    assert_books_agree()
