"""Customers who use round dollars of calls in one month or the next."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from billing.models import Customer
from billing.models.plans import AtZero, Mode
from billing.periods import Period, period_containing
from config.verification import verify_all
from invoices.models import Invoice
from invoices.services.payments import mark_paid, start_payment
from ledger.queries import Balance, get_balance
from tests import make
from tests.invoices.state import MONTH_END, NOVEMBER, use

DECEMBER = Period(NOVEMBER.end, NOVEMBER.end + timedelta(days=31))
JANUARY = period_containing(DECEMBER.end, ZoneInfo("UTC"))


def customer_with(
    mode: Mode = Mode.PREPAID,
    at_zero: AtZero = AtZero.BLOCK,
    *,
    fee: str = "0",
    credits: str = "0",
) -> Customer:
    plan = make.plan(mode=mode, monthly_fee=fee, at_zero=at_zero)
    return make.customer(plan=plan, credits=credits)


def use_dollars(amount: int, key: str = "req_1", *, days: int = 0) -> None:
    # 250,000 tokens of output are $3 on the seed's card.
    at = make.NOW + timedelta(days=days)
    event = make.event(
        key, occurred_at=at, input_tokens=0, output_tokens=amount * 250_000 // 3
    )
    use(event, received_at=at)


def pay(invoice: Invoice) -> None:
    payment = start_payment(invoice=invoice, at=MONTH_END)
    mark_paid(
        invoice=invoice,
        reference=payment.reference,
        amount=payment.amount,
        currency="USD",
        at=MONTH_END,
    )


def parts(invoice: Invoice) -> tuple[object, ...]:
    return make.row(
        invoice.total,
        invoice.credits_applied,
        invoice.carried_over,
        invoice.amount_due,
    )


def balance_of(customer: Customer) -> Balance:
    return get_balance(wallet_id=customer.wallet_id, at=MONTH_END)


def assert_books_agree() -> None:
    assert [each for each in verify_all() if each.differences] == []
