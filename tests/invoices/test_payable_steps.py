"""Amounts that a provider can take and give back; finer ones nobody can pay."""

from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import Settings

from billing.models import CreditPack, Customer, Plan
from billing.services.rate_cards import create_rate_card
from invoices.models import Invoice
from invoices.payments import get_payable_step
from invoices.payments.stripe_amounts import to_units
from invoices.queries.refunds import AmountNotRefundableError, quote_refund
from invoices.services.payments import mark_paid, start_payment
from invoices.services.purchases import (
    AmountNotForSaleError,
    PackNotPayableError,
    buy_credits,
    buy_pack,
)
from tests import make
from tests.http import buying_key
from tests.invoices.refunding import refund
from tests.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """Return a customer whose wallet is in dinars, which have three decimal places."""
    card = create_rate_card(code="dinars", name="Dinars", currency="KWD")
    plan = Plan.objects.create(
        code="dinar",
        name="Dinar",
        currency="KWD",
        monthly_fee=Decimal(0),
        rate_card=card,
        rate_limit_policy=make.policy(),
    )
    return make.customer(plan=plan)


@pytest.fixture
def _stripe(settings: Settings) -> None:
    settings.PAYMENT_PROVIDER = "stripe"


def pack(price: str) -> CreditPack:
    return CreditPack.objects.create(
        code="dinars",
        name="Dinars",
        currency="KWD",
        price=Decimal(price),
        credits=Decimal(50),
    )


def bought(customer: Customer, *, used: str) -> Invoice:
    """Buy 50 dinars of credits, and use some."""
    invoice = buy_pack(customer=customer, pack=pack("50"), at=NOW)
    payment = start_payment(invoice=invoice, at=NOW)
    mark_paid(
        invoice=invoice,
        reference=payment.reference,
        amount=payment.amount,
        currency="KWD",
        at=NOW,
    )
    make.spend(customer.wallet, used)
    invoice.refresh_from_db()
    return invoice


@pytest.mark.parametrize(
    ("provider", "currency", "step"),
    [
        ("stripe", "USD", "0.01"),
        ("stripe", "JPY", "1"),
        ("stripe", "KWD", "0.01"),
        ("stripe", "MGA", "1"),
        ("stripe", "ISK", "1"),
        ("simulated", "KWD", "0.001"),
        ("", "KWD", "0.001"),
        ("gone", "KWD", "0.001"),
    ],
)
def test_amounts_differ_by_what_the_provider_says(
    provider: str, currency: str, step: str
) -> None:
    found = get_payable_step(currency=currency, provider=provider)

    assert found == Decimal(step)


@pytest.mark.usefixtures("_stripe")
class TestAtStripe:
    @pytest.mark.parametrize("used", ["0.001", "7.014232", "33.339", "49.981"])
    def test_what_is_refundable_can_be_given_back(
        self, used: str, customer: Customer
    ) -> None:
        invoice = bought(customer, used=used)

        money = quote_refund(invoice=invoice, at=NOW).money

        unused = Decimal(50) - Decimal(used)
        assert 0 <= unused - money < Decimal("0.01")
        assert Decimal(to_units(money, "KWD")) == money * 1000

    def test_a_refund_that_cannot_be_paid_is_refused(self, customer: Customer) -> None:
        invoice = bought(customer, used="7")

        with pytest.raises(AmountNotRefundableError, match=r"steps of 0\.01"):
            refund(invoice, "5.124")

        assert refund(invoice, "5.12").amount == Decimal("5.12")

    def test_an_amount_that_cannot_be_paid_is_not_sold(
        self, customer: Customer
    ) -> None:
        with pytest.raises(AmountNotForSaleError, match=r"a multiple of 0\.01"):
            buy_credits(customer=customer, amount=Decimal("5.124"), at=NOW)

        invoice = buy_credits(customer=customer, amount=Decimal("5.12"), at=NOW)
        assert invoice.amount_due == Decimal("5.12")

    def test_a_pack_that_cannot_be_paid_is_not_sold(self, customer: Customer) -> None:
        with pytest.raises(PackNotPayableError, match=r"5\.124 cannot be paid in KWD"):
            buy_pack(customer=customer, pack=pack("5.124"), at=NOW)

        assert not Invoice.objects.exists()

    @pytest.mark.usefixtures("customer")
    def test_the_api_says_so(self) -> None:
        response = Client().post(
            "/v1/purchases",
            {"customer_id": "cus_abc123", "pack": pack("5.124").code},
            content_type="application/json",
            headers={
                "Authorization": f"Bearer {buying_key()}",
                "Idempotency-Key": "order-1",
            },
        )

        assert response.status_code == 422
        assert "5.124 cannot be paid in KWD" in response.content.decode()

    def test_the_portal_says_so(self, client: Client, customer: Customer) -> None:
        client.force_login(make.member(customer))

        page = client.post("/portal/buy/", {"pack": pack("5.124").code}, follow=True)

        assert "5.124 cannot be paid in KWD" in page.content.decode()


def test_the_coin_of_the_currency_can_go_back_elsewhere(customer: Customer) -> None:
    invoice = bought(customer, used="7.014232")

    assert quote_refund(invoice=invoice, at=NOW).money == Decimal("42.985")
