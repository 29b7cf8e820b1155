"""Why nothing of a purchase can be refunded, in words that say which it is."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from invoices.models import DisputeStatus, Invoice
from invoices.queries.refund_plans import preview_refund
from invoices.queries.refunds import NothingToRefundError
from ledger.services import expire_wallet
from tests.invoices.refunding import bank_says, bought, customer, refund, use
from tests.invoices.state import final
from tests.make import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
AFTER = NOW + 30 * DAY
EXPIRED = "What was left of its credits has expired."


def why(invoice: Invoice) -> str:
    with pytest.raises(NothingToRefundError) as refused:
        refund(invoice, key="another", at=AFTER)
    preview = preview_refund(invoice=invoice, amount=None, at=AFTER)
    assert preview.problem == str(refused.value)
    assert preview.quote
    assert (preview.plan, preview.refusal) == (None, "")
    return preview.problem


def test_its_money_went_back() -> None:
    invoice = bought()
    refund(invoice)

    assert why(invoice) == "All of its money went back already."


def test_its_credits_were_used() -> None:
    assert why(bought(used="50", days=30)) == "All of its credits were used."


def test_some_were_used_and_the_rest_went_back() -> None:
    invoice = bought(used="20")
    refund(invoice)

    reason = "Its credits were used, but for those that went back already."
    assert why(invoice) == reason


@pytest.mark.parametrize("is_swept", [True, False])
def test_they_have_expired(is_swept: bool) -> None:
    invoice = bought(used="20", days=30)
    if is_swept:
        wallet_id = invoice.customer.wallet_id
        expire_wallet(wallet_id=wallet_id, expired_before=AFTER, actor="sweep")

    assert why(invoice) == EXPIRED


def test_they_have_expired_while_a_refund_waited(settings: Settings) -> None:
    settings.REFUND_APPROVAL_ABOVE = Decimal(20)
    invoice = bought(days=30)
    refund(invoice, "30")

    assert why(invoice) == EXPIRED


def test_the_payment_is_disputed() -> None:
    invoice = bought()
    bank_says(invoice, DisputeStatus.OPEN, "20")

    assert "while the payment is disputed" in why(invoice)


def test_an_overdraft_needs_them() -> None:
    buyer = customer()
    invoice = bought(by=buyer)
    use(buyer, "60", at=NOW - DAY)

    assert "is owed for usage" in why(invoice)


def test_the_invoice_is_for_usage() -> None:
    buyer = customer(credits="50")
    use(buyer, "10")

    preview = preview_refund(invoice=final(buyer), amount=None, at=NOW)

    assert "is for usage: void the calls" in preview.problem
    assert preview.quote is None


def test_one_amount_may_be_refused_alone() -> None:
    preview = preview_refund(invoice=bought(), amount=Decimal(51), at=NOW)

    assert preview.refusal == "51 USD is more than 50, which can go back."
    assert (preview.problem, preview.plan) == ("", None)
