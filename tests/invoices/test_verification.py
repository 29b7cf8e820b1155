import pytest

from billing.models import FundingRollup
from billing.models.plans import Mode
from billing.periods import period_containing
from invoices.models import Invoice, Refund
from invoices.services.payments import fail_payment, mark_paid, start_payment
from invoices.services.purchases import buy_pack
from invoices.verification import verify_invoices
from tests import make
from tests.billing import volume
from tests.billing.test_period_metering import images
from tests.invoices.state import MONTH_END, NOVEMBER, final, use, use_seed
from tests.raw import execute, tampering


@pytest.mark.django_db
def test_invoices_can_be_derived_again() -> None:
    plan = make.plan(mode=Mode.HYBRID, monthly_fee="20")
    customer = make.customer(plan=plan, credits="0.02")
    use_seed(3)
    use(make.event("large", input_tokens=9_000))
    final(customer)
    use(make.event("late"), received_at=MONTH_END)
    final(customer, period_containing(NOVEMBER.end, customer.zone))
    buy_pack(customer=customer, pack=make.pack(), at=MONTH_END)

    findings = list(verify_invoices())

    assert [finding.differences for finding in findings] == [[]] * 21
    assert [finding.compared for finding in findings] == [
        6,
        2,
        0,
        2,
        3,
        3,
        1,
        3,
        0,
        0,
        1,
        *[0] * 10,
    ]


def differences() -> dict[str, list[str]]:
    found = {each.check: each.differences for each in verify_invoices()}
    return {check: rows for check, rows in found.items() if rows}


@pytest.mark.django_db
def test_money_paid_in_excess_that_is_not_given_back_is_found() -> None:
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
    first = start_payment(invoice=invoice, at=make.NOW)
    fail_payment(payment=first, at=make.NOW)
    second = start_payment(invoice=invoice, at=make.NOW)
    for payment in (second, first):
        mark_paid(
            invoice=invoice,
            reference=payment.reference,
            amount=payment.amount,
            currency="USD",
            at=make.NOW,
        )
    assert differences() == {}

    with tampering("invoices_refund"):
        Refund.objects.all().delete()

    [row] = differences()["paid invoice = its payments, less what was paid in excess"]
    assert row.startswith("invoice INV-2026-000001: 100")


@pytest.mark.django_db
def test_credits_that_the_funding_does_not_know_are_found() -> None:
    customer = make.customer(credits="50")
    use_seed()
    final(customer)
    lot = make.lot(customer.wallet, "1")

    FundingRollup.objects.update(lot=lot)

    assert len(differences()["applied credits = funding of the period"]) == 2


@pytest.mark.django_db
def test_parts_that_do_not_add_up_are_found() -> None:
    buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
    name = "invoices_invoice_due_is_total_less_credits_and_carried"

    with tampering("invoices_invoice"):
        execute(f"ALTER TABLE invoices_invoice DROP CONSTRAINT {name}")
        Invoice.objects.update(carried_over=1)

    assert [*differences()] == ["invoice due = total - credits - carried over"]


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["DELETE FROM", "UPDATE"])
def test_a_true_up_that_is_gone_or_altered_is_found(change: str) -> None:
    card = make.rate_card(volume.CARD)
    customer = make.customer(plan=make.plan(card=card), credits="500")
    use(images(15), images(1))
    final(customer)
    statement = f"{change} billing_trueup"
    with tampering("billing_trueup"):
        execute(statement if change != "UPDATE" else f"{statement} SET amount = -74")

    found = {each.check for each in verify_invoices() if each.differences}

    assert "true-ups = what their periods come to" in found
