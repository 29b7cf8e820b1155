"""Credits on an invoice: never more than its total, in one rounding and currency."""

from datetime import datetime
from decimal import Decimal

import pytest

from billing.models import Customer
from billing.periods import period_containing
from billing.templatetags.money import money
from invoices.models import Invoice
from ledger.models import Entry, Kind
from ledger.money import total
from ledger.queries import get_balance
from tests import make
from tests.invoices.state import MONTH_END, NOVEMBER, final, use

pytestmark = pytest.mark.django_db
MODELS = [f"model-{number}" for number in range(8)]


def customer_paying(price: str) -> Customer:
    """Return a customer with 50 credits, and models that cost so much a call."""
    text = "---\n".join(
        f"model: {model}\nrates:\n  - dimension: images\n    unit: 1 image\n"
        f"    price_usd: {price}\n"
        for model in MODELS
    )
    plan = make.plan(card=make.rate_card(text))
    return make.customer(plan=plan, credits="50")


def call(model: str, *, at: datetime = make.NOW) -> None:
    event = make.event(
        model, model=model, occurred_at=at, images=1, input_tokens=0, output_tokens=0
    )
    use(event, received_at=at)


def exact_credits(invoice: Invoice) -> Decimal:
    return total(each.amount for each in invoice.applied_credits.all())


def test_credits_that_paid_fractions_are_capped_at_the_total() -> None:
    # Rounded one by one, eight of 1.375 would be 11.04.
    customer = customer_paying("1.375")
    for model in MODELS:
        call(model)

    invoice = final(customer)

    lines = [line.amount for line in invoice.lines.all()]
    entries = Entry.objects.filter(kind=Kind.USAGE)
    assert make.row(invoice.total, invoice.credits_applied) == (11, 11)
    assert make.row(len(lines), sum(lines), invoice.amount_due) == (8, 11, 0)
    assert {entry.amount for entry in entries} == {Decimal("-1.375")}
    assert exact_credits(invoice) == 11


def test_credits_pay_no_more_than_is_left_after_an_adjustment() -> None:
    customer = customer_paying("1.56")
    call(MODELS[0])
    final(customer)
    december = period_containing(NOVEMBER.end, customer.zone)
    for model in MODELS[1:]:
        call(model, at=december.start)
    make.void(customer, MODELS[0], at=december.start)

    invoice = final(customer, december)

    # Seven of 1.56, less the one of November.
    assert invoice.total == invoice.credits_applied == Decimal("9.36")
    assert exact_credits(invoice) == Decimal("9.36")


def test_the_wallet_and_the_invoice_round_alike() -> None:
    customer = customer_paying("17.715")
    call(MODELS[0])

    invoice = final(customer)

    balance = get_balance(wallet_id=customer.wallet_id, at=MONTH_END)
    used = 50 - balance.available
    assert used == exact_credits(invoice) == Decimal("17.715")
    assert money(used, "USD") == money(invoice.total, "USD") == "$17.72"
    assert invoice.credits_applied == Decimal("17.72")
