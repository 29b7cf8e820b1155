"""Money that was not owed and did not go back: seen, and sent again by hand, once."""

import pytest

from invoices.models import DisputeStatus, Refund, SimulatedPayment
from invoices.payments import DisputeNews, Progress
from invoices.payments.simulated import NAME
from invoices.return_checks import verify_returns
from invoices.services.excess import (
    NothingKeptError,
    NotSentAgainError,
    send_excess_again,
)
from invoices.services.news import act_on
from tests import make
from tests.invoices.refunding import (
    announce_refunded,
    answer,
    assert_books_agree,
    bought,
    left,
    paid_twice,
    refund,
    send,
)
from tests.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed() -> Refund:
    """Return the refund of a payment that was one too many, which came to nothing."""
    return answer(paid_twice(), Progress.FAILED, "expired_or_canceled_card")


def again(failed: Refund) -> Refund:
    return send_excess_again(refund=failed, by="ada", at=NOW)


def kept() -> list[str]:
    """Return what `verify` says of money that was not owed and did not go back."""
    [*_, finding] = verify_returns()
    assert finding.check == "money that was not owed is given back"
    return finding.differences


def test_that_is_kept_is_found(failed: Refund) -> None:
    assert kept() == [
        f"payment {failed.payment.reference}: 50.000000000000000000 expected, 0 stored"
    ]


class TestSentAgain:
    def test_is_a_refund_of_its_own(self, failed: Refund) -> None:
        made = again(failed)

        assert make.row(made.kind, made.status, made.amount) == (
            *("excess", "withdrawn"),
            50,
        )
        assert made.reference != failed.reference
        assert made.requested_by == "ada"
        assert send(made).status == "succeeded"
        assert left(failed.payment.invoice) == (50, 50)
        assert kept() == []
        assert_books_agree()

    def test_twice_is_once(self, failed: Refund) -> None:
        assert again(failed) == again(failed)
        assert Refund.objects.count() == 2

    def test_that_fails_again_can_be_sent_again(self, failed: Refund) -> None:
        second = answer(again(failed), Progress.FAILED)
        assert kept()

        third = again(second)

        assert third not in (failed, second)
        assert again(failed) == second
        assert kept() == []

    def test_is_only_what_is_left(self, failed: Refund) -> None:
        SimulatedPayment.objects.update(refunded=20)
        announce_refunded(failed.payment, "20")

        assert again(failed).amount == 30
        assert kept() == []

    def test_is_nothing_once_it_went_back_another_way(self, failed: Refund) -> None:
        SimulatedPayment.objects.update(refunded=50)
        announce_refunded(failed.payment, "50")

        with pytest.raises(NothingKeptError, match="another way"):
            again(failed)

    def test_is_nothing_while_the_bank_holds_it(self, failed: Refund) -> None:
        news = DisputeNews(
            provider_reference=failed.payment.provider_reference,
            dispute="dp_1",
            status=DisputeStatus.OPEN,
            amount=failed.amount,
            currency="USD",
        )
        act_on(provider=NAME, news=news, at=NOW)

        assert kept() == []
        with pytest.raises(NothingKeptError):
            again(failed)

    def test_is_none_that_has_not_failed(self) -> None:
        with pytest.raises(NotSentAgainError):
            again(paid_twice())

    def test_is_none_of_credits(self) -> None:
        with pytest.raises(NotSentAgainError):
            again(answer(refund(bought(), "20"), Progress.FAILED))
