"""What `verify` finds of paid invoices that gave nothing, or something else."""

from decimal import Decimal

import pytest

from billing.models.plans import Mode
from invoices.models import Invoice
from invoices.purchase_checks import verify_purchases
from invoices.services.purchases import buy_credits
from tests import make
from tests.invoices.months import customer_with, use_dollars
from tests.invoices.refunding import assert_books_agree, bought, paid
from tests.invoices.state import final
from tests.make import NOW
from tests.raw import execute, tampering

pytestmark = pytest.mark.django_db
LOTS = "paid purchase = the lots that it gave"
SETTLED = "paid usage = what was settled in money"


def found() -> dict[str, list[str]]:
    findings = {each.check: each.differences for each in verify_purchases()}
    return {check: rows for check, rows in findings.items() if rows}


def alter_lots(change: str) -> set[str]:
    with tampering("ledger_creditlot"):
        execute(" ".join(("UPDATE ledger_creditlot SET", change)))
    return set(found())


def used_and_paid(monkeypatch: pytest.MonkeyPatch, *, settles: bool = True) -> Invoice:
    """Return a paid invoice of $30 for usage, and $20 as a fee."""
    customer = customer_with(Mode.POSTPAID, fee="20")
    use_dollars(30)
    if not settles:
        path = "invoices.services.payments._settle_usage"
        monkeypatch.setattr(path, lambda *_: None)
    return paid(final(customer))


def test_what_was_paid_for_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    used_and_paid(monkeypatch)
    bought(bonus="5", by=make.customer(external_id="cus_pack"))
    buyer = make.customer(external_id="cus_own")
    paid(buy_credits(customer=buyer, amount=Decimal(20), at=NOW))
    buy_credits(customer=buyer, amount=Decimal(10), at=NOW)

    findings = list(verify_purchases())

    assert [each.differences for each in findings] == [[], []]
    assert [each.compared for each in findings] == [3, 1]
    assert_books_agree()


def test_a_purchase_that_gave_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invoices.services.payments.grant_pack", lambda **_: [])

    invoice = bought(bonus="5")

    [lot, bonus] = sorted(found()[LOTS])
    name = f"customer {invoice.customer_id}, lot invoice:{invoice.number}"
    assert lot == f"{name}: purchase: 50 for 50 expected, None stored"
    assert bonus == f"{name}:bonus: promotion: 5 for 0 expected, None stored"


@pytest.mark.parametrize(
    "change",
    [
        "source = 'adjustment'",
        "granted = granted + 1",
        "price_paid = price_paid + 1",
        "reference = 'other:' || reference",
    ],
)
def test_a_purchase_that_gave_something_else_is_found(change: str) -> None:
    bought()

    assert alter_lots(change) == {LOTS}


def test_a_bonus_that_is_gone_is_found() -> None:
    bought(bonus="5")

    assert alter_lots("reference = 'x' WHERE source = 'promotion'") == {LOTS}


def test_a_sold_lot_that_nobody_paid_for_is_found() -> None:
    customer = make.customer()
    buy_credits(customer=customer, amount=Decimal(10), at=NOW)
    make.lot(customer.wallet, "10")

    assert found() == {}
    assert alter_lots("reference = 'invoice:INV-2026-000001'") == {LOTS}


def test_paid_usage_that_settled_nothing_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invoice = used_and_paid(monkeypatch, settles=False)

    [row] = found()[SETTLED]
    name = f"customer {invoice.customer_id}, invoice:{invoice.number}"
    assert row == f"{name}: 30 expected, 0 stored"


@pytest.mark.parametrize("change", ["amount = amount - 1", "cause = 'invoice:other'"])
def test_another_settlement_than_was_paid_is_found(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_and_paid(monkeypatch)

    with tampering("ledger_entry"):
        execute(f"UPDATE ledger_entry SET {change} WHERE kind = 'settlement'")  # noqa: S608

    assert set(found()) == {SETTLED}
