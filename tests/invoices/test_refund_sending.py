"""A refund's money on its way: sent, ended with a credit note, or failed."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError

from invoices.models import CreditNote, Refund, SimulatedPayment, SimulatedRefund
from invoices.payments import Progress, ProviderError
from invoices.payments.simulated import SimulatedProvider
from invoices.queries.refunds import quote_refund
from invoices.services.leases import lease_refunds
from invoices.services.news import UnknownRefundError
from ledger.services import expire_wallet
from tests import make
from tests.invoices.refunding import (
    answer,
    answering,
    assert_books_agree,
    bought,
    left,
    moves,
    notes,
    paid_twice,
    refund,
    refunded_at_provider,
    send,
)
from tests.make import NOW
from tests.raw import refusal

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class TestSending:
    def test_ends_with_a_credit_note(self) -> None:
        made = send(refund(bought(), "20"))

        assert (made.status, made.sent_at) == ("succeeded", NOW)
        assert made.ended_at == NOW
        assert made.provider_reference == f"re_{made.reference}"
        assert notes() == [("CN-2026-000001", 20)]
        assert CreditNote.objects.get().reason == "not needed"
        assert refunded_at_provider() == 20
        assert_books_agree()

    def test_twice_gives_back_once(self) -> None:
        made = refund(bought(), "20")

        send(made)
        send(made)

        assert SimulatedRefund.objects.count() == 1
        assert notes() == [("CN-2026-000001", 20)]

    def test_credit_notes_are_numbered_one_by_one(self) -> None:
        invoice = bought()

        for key in ("a", "b"):
            send(refund(invoice, "20", key=key))

        assert notes() == [("CN-2026-000001", 20), ("CN-2026-000002", 20)]
        assert_books_agree()

    def test_waits_for_a_provider_that_takes_its_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = refund(bought(), "20")
        with monkeypatch.context() as patched:
            answering(patched, Progress.PENDING)
            send(made)
            send(made, at=NOW + MINUTE)
        assert (made.status, made.sent_at) == ("sent", NOW)
        assert notes() == []

        send(made)

        assert made.status == "succeeded"
        assert refunded_at_provider() == 20
        assert notes() == [("CN-2026-000001", 20)]

    def test_without_an_answer_stays_as_it_is(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = refund(bought(), "20")

        def silent(*_: object, **__: object) -> None:
            raise ProviderError

        monkeypatch.setattr(SimulatedProvider, "refund", silent)
        with pytest.raises(ProviderError):
            send(made)

        made.refresh_from_db()
        assert made.status == "withdrawn"
        assert lease_refunds(at=NOW + 10 * 365 * 24 * 60 * MINUTE)

    def test_that_fails_leaves_the_credits_where_they_were(self) -> None:
        invoice = bought(bonus="5")
        made = refund(invoice, "20")

        answer(made, Progress.FAILED, "lost_or_stolen_card")

        assert (made.status, made.failure) == ("failed", "lost_or_stolen_card")
        assert moves(made) == [
            ("refund", "promotion", -5),
            ("refund", "refunded", -20),
            ("reversal", "refunded", 20),
            ("reversal", "promotion", 5),
        ]
        assert left(invoice) == (50, 5, 55)
        assert notes() == []
        assert_books_agree()

    def test_that_the_provider_has_not_enough_for_fails(self) -> None:
        invoice = bought()
        made = refund(invoice, "20")
        # What went back in its pages, of which nobody told us.
        SimulatedPayment.objects.update(refunded=40)

        send(made)

        assert (made.status, made.failure) == (
            "failed",
            "more than is left of the payment",
        )
        assert left(invoice) == (10, 10)
        assert notes() == [("CN-2026-000001", 40)]
        assert_books_agree()

    def test_that_fails_can_be_asked_for_again(self) -> None:
        invoice = bought()
        made = refund(invoice)
        answer(made, Progress.FAILED)

        assert quote_refund(invoice=invoice, at=NOW).money == 50
        assert send(refund(invoice, key="key-2")).status == "succeeded"
        assert_books_agree()

    def test_that_fails_brings_no_expired_credits_back_to_life(self) -> None:
        invoice = bought(days=30)
        made = refund(invoice, "20")
        later = NOW + timedelta(days=90)
        wallet_id = invoice.customer.wallet_id
        expire_wallet(wallet_id=wallet_id, expired_before=later, actor="sweep")

        answer(made, Progress.FAILED)

        assert left(invoice) == (0, 0)
        assert moves(made)[-1] == ("expiry", "expired", -20)
        assert_books_agree()


class TestNews:
    @pytest.mark.parametrize(
        ("progress", "status"),
        [
            (Progress.PENDING, "sent"),
            (Progress.SUCCEEDED, "succeeded"),
            (Progress.FAILED, "failed"),
        ],
    )
    def test_end_a_refund(self, progress: Progress, status: str) -> None:
        made = refund(bought(), "20")

        assert answer(made, progress).status == status
        assert_books_agree()

    def test_that_come_again_change_nothing(self) -> None:
        invoice = bought()
        made = refund(invoice, "20")

        for progress in (Progress.SUCCEEDED, Progress.PENDING, Progress.SUCCEEDED):
            assert answer(made, progress).status == "succeeded"

        assert left(invoice) == (30, 30)
        assert notes() == [("CN-2026-000001", 20)]

    def test_of_an_unknown_refund_are_refused(self) -> None:
        made = refund(bought(), "20")
        made.reference = "unknown"

        with pytest.raises(UnknownRefundError):
            answer(made, Progress.SUCCEEDED)


class TestExcess:
    def test_goes_back_without_credits_or_a_credit_note(self) -> None:
        made = send(paid_twice())

        assert make.row(made.kind, made.status, made.credits) == (
            *("excess", "succeeded"),
            0,
        )
        assert moves(made) == []
        assert notes() == []
        assert left(made.payment.invoice) == (50, 50)
        assert_books_agree()

    def test_leaves_the_purchase_refundable(self) -> None:
        invoice = send(paid_twice()).payment.invoice

        assert send(refund(invoice)).status == "succeeded"
        assert left(invoice) == (0, 0)
        assert_books_agree()


class TestUnderWay:
    def test_are_those_that_have_been_so_for_a_minute(self) -> None:
        invoice = bought()
        made = refund(invoice, "20")
        send(refund(invoice, "10", key="ended"))
        made.refresh_from_db()
        taken = made.withdrawn_at
        assert taken

        assert lease_refunds(at=taken + 0.9 * MINUTE) == []
        assert lease_refunds(at=taken + MINUTE) == [made.pk]


class TestDatabase:
    def test_keeps_what_has_ended(self) -> None:
        send(refund(bought(), "20"))

        for statement in ("DELETE FROM", "UPDATE"):
            change = "" if statement != "UPDATE" else " SET reason = 'other'"
            refused = refusal(f"{statement} invoices_refund{change}")
            assert "has ended" in str(refused)

    def test_moves_only_forward(self) -> None:
        refund(bought(), "20")

        refused = refusal("UPDATE invoices_refund SET status = 'requested'")

        assert "Invalid transition" in str(refused)

    def test_gives_back_no_more_than_was_paid(self) -> None:
        invoice = bought()
        made = refund(invoice, "20")

        with pytest.raises(IntegrityError, match="more than was paid"):
            Refund.objects.create(
                payment=made.payment,
                kind="provider",
                status="withdrawn",
                key="other",
                reference="other",
                currency="USD",
                amount=Decimal("30.01"),
                requested_at=NOW,
                approval_above=Decimal(0),
            )

    def test_writes_no_more_credit_notes_than_was_invoiced(self) -> None:
        invoice = bought()
        send(refund(invoice, "20"))
        second = refund(invoice, "30", key="key-2")

        with pytest.raises(IntegrityError, match="more than the invoice"):
            CreditNote.objects.create(
                invoice=invoice,
                refund=second,
                number="CN-2026-000002",
                currency="USD",
                total=Decimal("30.01"),
                issued_at=NOW,
            )
