"""What invoices move on the wallet fires and arms alerts too."""

import pytest

from billing.models.plans import AtZero, Mode
from invoices.models import Payment
from invoices.services.payments import mark_paid, start_payment
from tests import make
from tests.billing.alerting import alert, told, use, watched
from tests.billing.test_period_metering import images
from tests.billing.volume import CARD
from tests.invoices.state import MONTH_END, final

pytestmark = pytest.mark.django_db

LEAST = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    price_usd: 1
    minimum_per_period_usd: 10
"""


def test_a_true_up_that_gives_back_arms() -> None:
    customer = make.customer(plan=make.plan(card=make.rate_card(CARD)), credits="160")
    alert(customer, "50")
    make.record(images(15))
    make.record(images(1))
    assert told(customer) == ["50"]

    final(customer)

    assert watched(customer) == 50


def test_a_true_up_that_asks_for_more_fires() -> None:
    customer = make.customer(plan=make.plan(card=make.rate_card(LEAST)), credits="20")
    alert(customer, "15")

    final(customer)

    assert told(customer) == ["15"]


def test_usage_paid_for_in_money_arms() -> None:
    plan = make.plan(mode=Mode.POSTPAID, at_zero=AtZero.OVERAGE)
    customer = make.customer(plan=plan)
    alert(customer, "0")
    use("a")
    assert told(customer) == ["0"]
    invoice = final(customer)
    payment: Payment = start_payment(invoice=invoice, at=MONTH_END)

    mark_paid(
        invoice=invoice,
        reference=payment.reference,
        amount=payment.amount,
        currency="USD",
        at=MONTH_END,
    )

    assert watched(customer) == 0
