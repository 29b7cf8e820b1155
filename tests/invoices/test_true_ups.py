"""Volume prices, trued up when the period closes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Customer, TrueUp
from billing.models.plans import AtZero, Mode
from billing.services.true_ups import true_up_period
from config.verification import verify_all
from invoices.models import Invoice, LineKind
from ledger.models import Entry, Source
from ledger.money import total
from ledger.services import expire_wallet
from tests import make
from tests.billing.test_period_metering import images
from tests.invoices.state import MONTH_END, NOVEMBER, draft, final, use
from tests.make import NOW

pytestmark = pytest.mark.django_db
TIERS: dict[str, list[tuple[Any, Any, Any]]] = {
    "B4": [(100, 2, 10), (200, 1, 0), (None, "0.5", 50)],
    "B11": [(10, 5, 100), (None, 2, 50)],
    "B15": [(5, 0, 100), (10, 0, 150), (15, 10, 0), (None, 5, 0)],
    "B19": [(5, 7, 0), (10, "6.5", 0), (None, 6, 0)],
    "B20": [(5, 5, 0), (10, 4, 0), (15, 3, 0), (20, 2, 0), (None, 1, 0)],
    "flip": [(15, 10, 0), (None, 5, 0)],
}


def card_text(name: str) -> str:
    tiers = ""
    for bound, price, flat in TIERS[name]:
        tiers += f"      - price_usd: {price}\n        flat_usd: {flat}\n"
        tiers += f"        up_to: {bound}\n" if bound else ""
    return (
        "model: m\nrates:\n  - dimension: images\n    unit: 1 image\n"
        f"    per_period: volume\n    tiers:\n{tiers}"
    )


def customer_on(
    name: str, *, credits: str = "1000", mode: Mode = Mode.PREPAID
) -> Customer:
    plan = make.plan(
        card=make.rate_card(card_text(name)), mode=mode, at_zero=AtZero.OVERAGE
    )
    return make.customer(plan=plan, credits=credits)


def differences() -> list[str]:
    return [line for finding in verify_all() for line in finding.differences]


@pytest.mark.parametrize(
    ("name", "quantity", "expected"),
    [
        ("B4", "0", "10"),
        ("B4", "1", "12"),
        ("B4", "100", "210"),
        ("B4", "100.5", "100.5"),
        ("B4", "101", "101"),
        ("B4", "200", "200"),
        ("B4", "300", "200"),
        ("B11", "5", "125"),
        ("B11", "15", "80"),
        ("B15", "0", "100"),
        ("B15", "3", "100"),
        ("B15", "5", "100"),
        ("B15", "14", "140"),
        ("B15", "15", "150"),
        ("B15", "16", "80"),
        ("B15", "100", "500"),
        ("B19", "1", "7"),
        ("B19", "6", "39"),
        ("B19", "20", "120"),
        ("B19", "25", "150"),
        ("B20", "6", "24"),
        ("B20", "20", "40"),
        ("B20", "25", "25"),
    ],
)
@pytest.mark.parametrize("calls", [1, 4])
def test_a_month_costs_what_peers_say(
    name: str, quantity: str, expected: str, calls: int
) -> None:
    customer = customer_on(name)
    part = (Decimal(quantity) / calls).normalize()

    use(*(images(part) for _ in range(calls)))

    assert final(customer).total == Decimal(expected)
    assert differences() == []


def test_a_late_unit_takes_the_dearer_tier_back() -> None:
    customer = customer_on("flip")
    use(images(15))
    use(images(1))

    invoice = final(customer)

    due = invoice.lines.get(kind=LineKind.TRUE_UP)
    assert (due.description, due.exact_amount) == make.row(
        "True-up to the volume price · m · images · tier 2", -75
    )
    assert invoice.total == 80
    assert differences() == []


class TestCredits:
    def test_go_back_to_the_lot_that_was_drawn_from_last(self) -> None:
        customer = customer_on("flip", credits="0")
        first = make.lot(customer.wallet, "100", source=Source.PROMOTION)
        second = make.lot(customer.wallet, "100")
        use(images(15), images(1))

        final(customer)

        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.remaining, second.remaining) == make.row(20, 100)
        assert differences() == []

    def test_of_a_lot_that_expired_since_expire_again(self) -> None:
        customer = customer_on("flip", credits="0")
        lot = make.lot(customer.wallet, "200", expires_at=NOW + timedelta(days=1))
        use(images(15), images(1))
        expire_wallet(
            wallet_id=customer.wallet_id,
            expired_before=NOW + timedelta(days=2),
            actor="sweep",
        )

        final(customer)

        lot.refresh_from_db()
        assert lot.remaining == 0
        assert lot.entries.filter(kind="expiry").count() == 2
        assert differences() == []

    def test_that_expire_with_the_period_still_pay(self) -> None:
        customer = customer_on("B11", credits="0")
        lot = make.lot(customer.wallet, "130", expires_at=NOVEMBER.end)
        use(images(5))

        final(customer)

        lot.refresh_from_db()
        assert lot.remaining == 5

    def test_pay_what_is_asked_for(self) -> None:
        customer = customer_on("B11", credits="130")
        use(images(5))

        invoice = final(customer)

        customer.wallet.refresh_from_db()
        assert customer.wallet.balance == 5
        assert (invoice.total, invoice.credits_applied) == make.row(125, 125)


class TestOverdraft:
    def test_is_billed_with_what_is_asked_for(self) -> None:
        customer = customer_on("B11", credits="0", mode=Mode.POSTPAID)
        use(images(5))

        invoice = final(customer)

        assert (invoice.total, invoice.amount_due) == make.row(125, 125)
        assert differences() == []

    def test_is_lifted_by_what_is_given_back(self) -> None:
        customer = customer_on("flip", credits="0", mode=Mode.POSTPAID)
        use(images(15), images(1))

        invoice = final(customer)

        assert (invoice.total, invoice.amount_due) == make.row(80, 80)
        assert differences() == []


def test_it_is_settled_once() -> None:
    customer = customer_on("flip")
    use(images(15), images(1))
    final(customer)

    again = true_up_period(customer=customer, period=NOVEMBER, at=MONTH_END)

    assert again == [TrueUp.objects.get()]
    final(customer)
    assert TrueUp.objects.count() == 1
    assert Entry.objects.filter(kind="true_up").count() == 1
    assert Invoice.objects.count() == 1


def test_a_draft_shows_it_and_moves_nothing() -> None:
    customer = customer_on("flip")
    use(images(15), images(1))

    drafted = draft(customer)

    assert total(line.exact_amount for line in drafted.lines.all()) == 80
    assert not Entry.objects.filter(kind="true_up").exists()
    assert not TrueUp.objects.exists()


def test_a_new_version_prices_its_own_calls_by_all_units() -> None:
    customer = customer_on("flip")
    use(images(15, at=NOW - timedelta(days=1)))
    dearer = card_text("flip").replace("price_usd: 5", "price_usd: 7")
    make.published_version(customer.plan.rate_card, dearer, effective_from=NOW)
    use(images(1))

    assert final(customer).total == 15 * 5 + 7
    assert differences() == []


def test_the_flat_price_of_the_tier_is_due_once() -> None:
    customer = customer_on("B11")
    use(images(2, at=NOW - timedelta(days=1)))
    make.published_version(
        customer.plan.rate_card, card_text("B11"), effective_from=NOW
    )
    use(images(3))

    assert final(customer).total == 5 * 5 + 100
    assert differences() == []


def test_what_is_free_counts_towards_no_tier() -> None:
    text = card_text("flip").replace(
        "    per_period", "    free_per_period: 10\n    per_period"
    )
    customer = make.customer(plan=make.plan(card=make.rate_card(text)), credits="1000")
    use(images(25))

    invoice = final(customer)

    assert invoice.total == 15 * 10
    assert not TrueUp.objects.exists()


def test_a_discount_is_in_it() -> None:
    customer = customer_on("B11")
    make.terms(customer, discount="10")
    use(images(5))

    assert final(customer).total == Decimal("112.5")
    assert differences() == []


def test_it_names_itself() -> None:
    customer = customer_on("flip")
    use(images(15), images(1))
    final(customer)

    assert str(TrueUp.objects.get()) == "m 2026-11"
