from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Customer
from billing.models.plans import AtZero, Mode
from billing.periods import period_containing
from config.verification import verify_all
from invoices.models import Invoice, Status
from invoices.services.payments import mark_paid, start_payment
from ledger.models import Source
from ledger.money import total
from ledger.queries import get_balance
from tests import make
from tests.invoices.state import (
    MONTH_END,
    NOVEMBER,
    SEED_COST,
    at_once,
    final,
    use,
    use_seed,
)


def overdraft_of(customer: Customer) -> Decimal:
    return get_balance(wallet_id=customer.wallet_id, at=MONTH_END).overdraft


def customer_with(
    mode: Mode,
    *,
    fee: str = "0",
    credits: str = "0",
    at_zero: AtZero = AtZero.BLOCK,
) -> Customer:
    plan = make.plan(mode=mode, monthly_fee=fee, at_zero=at_zero)
    return make.customer(plan=plan, credits=credits)


def use_dollars(amount: int, key: str = "big", *, days: int = 0) -> None:
    # 250,000 tokens of output are $3 on the seed's card.
    at = make.NOW + timedelta(days=days)
    tokens = amount * 250_000 // 3
    assert tokens * 3 == amount * 250_000
    use(
        make.event(key, occurred_at=at, input_tokens=0, output_tokens=tokens),
        received_at=at,
    )


def pay(invoice: Invoice) -> None:
    payment = start_payment(invoice=invoice, at=MONTH_END)
    mark_paid(
        invoice=invoice,
        reference=payment.reference,
        amount=payment.amount,
        currency="USD",
        at=MONTH_END,
    )


@pytest.mark.django_db
class TestPrepaid:
    def test_usage_covered_by_credits_is_paid_at_once(self) -> None:
        customer = customer_with(Mode.PREPAID, credits="50")
        use_seed(10)

        invoice = final(customer)

        assert invoice.status == Status.PAID
        assert invoice.amount_due == 0
        assert invoice.total == invoice.credits_applied == Decimal("0.14")
        assert invoice.paid_at == MONTH_END

    def test_each_lot_is_noted_with_what_it_paid_exactly(self) -> None:
        customer = customer_with(Mode.PREPAID)
        bonus = make.lot(customer.wallet, "0.01", source=Source.PROMOTION)
        paid = make.lot(customer.wallet, "50")
        use_seed()

        applied = final(customer).applied_credits.order_by("lot")

        assert [(each.lot, each.amount) for each in applied] == [
            (bonus, Decimal("0.01")),
            (paid, SEED_COST - Decimal("0.01")),
        ]

    def test_only_the_fee_is_due(self) -> None:
        customer = customer_with(Mode.PREPAID, fee="20", credits="50")
        use_seed(10)

        invoice = final(customer)

        assert invoice.status == Status.OPEN
        assert invoice.amount_due == 20
        assert invoice.credits_applied == Decimal("0.14")

    def test_paying_the_fee_leaves_the_wallet_alone(self) -> None:
        customer = customer_with(Mode.PREPAID, fee="20", credits="1")
        use_dollars(3)
        invoice = final(customer)

        pay(invoice)

        invoice.refresh_from_db()
        assert invoice.status == Status.PAID
        assert overdraft_of(customer) == 2

    def test_what_no_lot_covered_stays_on_the_wallet(self) -> None:
        customer = customer_with(Mode.PREPAID, credits="1")
        use_dollars(3)

        invoice = final(customer)

        assert invoice.total == 3
        assert invoice.credits_applied == 1
        assert invoice.carried_over == 2
        assert invoice.amount_due == 0
        assert overdraft_of(customer) == 2

    def test_what_a_pack_settled_since_is_not_carried(self) -> None:
        customer = customer_with(Mode.PREPAID, credits="1")
        use_dollars(6)
        make.lot(customer.wallet, "2")

        invoice = final(customer)

        assert make.row(invoice.credits_applied, invoice.carried_over) == (3, 3)

    def test_what_was_overdrawn_since_is_carried_by_the_next_invoice(self) -> None:
        customer = customer_with(Mode.PREPAID)
        use_dollars(3, "november")
        make.lot(customer.wallet, "3")
        use_dollars(6, "december", days=20)

        november = final(customer)
        december = final(customer, period_containing(NOVEMBER.end, customer.zone))

        assert make.row(november.credits_applied, november.carried_over) == (3, 0)
        assert make.row(december.credits_applied, december.carried_over) == (0, 6)

    @pytest.mark.parametrize("fee", ["0.004", "0.005", "0.006"])
    def test_rounding_never_says_that_credits_paid_what_they_did_not(
        self, fee: str
    ) -> None:
        customer = customer_with(Mode.PREPAID, fee=fee)
        # $0.006, which is rounded up or down with the fee.
        use(make.event(input_tokens=0, output_tokens=250))
        use(make.event("b", input_tokens=0, output_tokens=250))

        invoice = final(customer)

        assert invoice.credits_applied == 0
        assert invoice.carried_over == invoice.total - invoice.amount_due >= 0


@pytest.mark.django_db
class TestPrepaidWithOverage:
    def test_what_no_lot_covered_is_due(self) -> None:
        customer = customer_with(
            Mode.PREPAID, fee="20", credits="1", at_zero=AtZero.OVERAGE
        )
        use_dollars(3)

        invoice = final(customer)

        assert make.row(invoice.status, invoice.amount_due) == (Status.OPEN, 22)
        assert make.row(invoice.credits_applied, invoice.carried_over) == (1, 0)

    def test_paying_lifts_the_overdraft(self) -> None:
        customer = customer_with(Mode.PREPAID, at_zero=AtZero.OVERAGE)
        use_dollars(3)

        pay(final(customer))

        assert overdraft_of(customer) == 0


@pytest.mark.django_db
class TestPostpaid:
    def test_what_credits_did_not_pay_is_due_with_the_fee(self) -> None:
        customer = customer_with(Mode.HYBRID, fee="20", credits="1")
        use_dollars(3)

        invoice = final(customer)

        assert invoice.total == 23
        assert invoice.credits_applied == 1
        assert invoice.amount_due == 22
        assert total(each.amount for each in invoice.applied_credits.all()) == 1

    def test_is_rounded_once(self) -> None:
        customer = customer_with(Mode.POSTPAID)
        use_seed(10)

        invoice = final(customer)

        assert invoice.amount_due == invoice.total == Decimal("0.14")

    def test_usage_fully_paid_by_credits_leaves_nothing_due(self) -> None:
        customer = customer_with(Mode.HYBRID, credits="50")
        use_seed()

        assert final(customer).amount_due == 0

    def test_paying_lifts_the_overdraft(self) -> None:
        customer = customer_with(Mode.POSTPAID, fee="20")
        use_dollars(3)
        invoice = final(customer)

        pay(invoice)

        invoice.refresh_from_db()
        assert invoice.status == Status.PAID
        assert invoice.amount_paid == 23
        assert overdraft_of(customer) == 0

    def test_a_pack_bought_since_has_paid_its_part(self) -> None:
        customer = customer_with(Mode.HYBRID)
        use_dollars(3)
        make.lot(customer.wallet, "2")

        assert final(customer).amount_due == 1

    def test_what_an_open_invoice_asks_for_is_not_asked_for_again(self) -> None:
        customer = customer_with(Mode.POSTPAID)
        use_dollars(6, "november")
        assert final(customer).amount_due == 6
        use_dollars(3, "december", days=20)
        make.lot(customer.wallet, "2")

        december = period_containing(NOVEMBER.end, customer.zone)

        assert final(customer, december).amount_due == 1


@pytest.mark.django_db(transaction=True)
def test_paying_while_usage_comes_and_the_next_month_ends_keeps_the_books() -> None:
    customer = customer_with(Mode.POSTPAID)
    use_dollars(3, "november")
    november = final(customer)
    use_dollars(6, "december", days=20)
    december = period_containing(NOVEMBER.end, customer.zone)
    steps: list[Callable[[], object]] = [
        lambda: pay(november),
        lambda: final(customer, december),
        lambda: use_dollars(9, "racing", days=21),
    ]

    def step() -> None:
        steps.pop()()

    at_once(step, times=3)

    assert [each for each in verify_all() if each.differences] == []
    # The racing call is in December, or came too late and is in January.
    due = Invoice.objects.get(period_start=december.start).amount_due
    assert due in (6, 15)
    assert overdraft_of(customer) == 15
