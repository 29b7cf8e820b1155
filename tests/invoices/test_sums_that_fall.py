"""What a provider has given back in all, of which a refund of ours came to nothing."""

from decimal import Decimal

import pytest

from invoices.models import Payment, SimulatedPayment
from invoices.payments import Progress
from invoices.payments.simulated import SimulatedProvider
from tests.invoices.refunding import (
    announce_refunded,
    answer,
    answering,
    assert_books_agree,
    bought,
    come_to_nothing,
    left,
    notes,
    payment_of,
    refund,
    send,
)
from tests.invoices.test_provider_refunds import amounts

pytestmark = pytest.mark.django_db


@pytest.fixture
def pending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the provider take its time over refunds."""
    answering(monkeypatch, Progress.PENDING)


def test_that_counted_a_refund_which_failed_fall_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invoice = bought()
    answering(monkeypatch, Progress.PENDING)
    ours = send(refund(invoice, "20"))
    announce_refunded(ours.payment, "20")

    answer(ours, Progress.FAILED)

    assert amounts() == [("unused", "failed", 20)]
    assert payment_of(invoice).refunded_at_provider == 0
    assert left(invoice) == (50, 50)
    assert notes() == []
    assert_books_agree()


def test_that_counted_it_fall_too_when_the_sweep_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invoice = bought()
    with monkeypatch.context() as patched:
        answering(patched, Progress.PENDING)
        ours = send(refund(invoice, "20"))
    announce_refunded(ours.payment, "20")
    come_to_nothing(ours)
    answering(monkeypatch, Progress.FAILED)

    send(ours)

    assert amounts() == [("unused", "failed", 20)]
    assert left(invoice) == (50, 50)
    assert_books_agree()


@pytest.mark.usefixtures("pending")
def test_announced_too_late_count_no_refund_that_failed() -> None:
    invoice = bought()
    ours = send(refund(invoice, "20"))
    answer(ours, Progress.FAILED)

    for _ in range(2):
        announce_refunded(ours.payment, "20")

    assert amounts() == [("unused", "failed", 20)]
    assert left(invoice) == (50, 50)


@pytest.mark.usefixtures("pending")
@pytest.mark.parametrize("is_announced", [True, False])
def test_keep_what_went_back_meanwhile(*, is_announced: bool) -> None:
    invoice = bought()
    ours = send(refund(invoice, "20"))
    SimulatedPayment.objects.update(refunded=35)
    if is_announced:
        announce_refunded(ours.payment, "35")

    answer(ours, Progress.FAILED)

    assert amounts() == [("unused", "failed", 20), ("provider", "succeeded", 15)]
    assert left(invoice) == (35, 35)
    assert_books_agree()


@pytest.mark.usefixtures("pending")
def test_are_asked_for_again_if_another_refund_fails_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invoice = bought()
    first, second = (send(refund(invoice, "20", key=key)) for key in "ab")
    honest = SimulatedProvider.refunded

    def slow(self: SimulatedProvider, *, payment: Payment) -> Decimal:
        said = honest(self, payment=payment)
        monkeypatch.undo()
        answer(second, Progress.FAILED)
        return said

    monkeypatch.setattr(SimulatedProvider, "refunded", slow)
    answer(first, Progress.FAILED)

    assert {row[:2] for row in amounts()} == {("unused", "failed")}
    assert left(invoice) == (50, 50)
