"""Whatever becomes of a purchase, in whatever order: money and credits agree."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.models import Dispute, DisputeStatus, Invoice, Refund
from invoices.payments import Progress
from invoices.queries.purchased import Purchased, find_purchased
from invoices.queries.refunds import NotRefundableError, quote_refund
from invoices.return_checks import verify_returns
from ledger.money import ZERO
from tests import audit, make
from tests.invoices.refunding import (
    answer,
    bank_says,
    bought,
    customer,
    payment_of,
    provider_says_refunded,
    refund,
    use,
)
from tests.make import NOW

PRICE, GRANTED, BONUS = 7, 30, 3
# What rounding up may add to the credits of each refund.
DUST = Decimal("1e-15")
cents = st.integers(1, PRICE * 100).map(lambda number: str(Decimal(number) / 100))


@dataclass
class Shop:
    """A purchase, and what a bookkeeper with paper would have written down."""

    invoice: Invoice
    used: dict[str, Decimal] = field(default_factory=dict)

    def use(self, credits: int) -> None:
        self.used[use(self.invoice.customer, str(credits))] = Decimal(credits)

    def void(self) -> None:
        if self.used:
            key, _ = self.used.popitem()
            make.void(self.invoice.customer, key)

    def refund(self, amount: str) -> None:
        with suppress(NotRefundableError):
            refund(self.invoice, amount, key=f"key-{make.unique()}")

    def end(self, progress: Progress) -> None:
        waiting = Refund.objects.filter(
            payment__invoice=self.invoice, status__in=("withdrawn", "sent")
        )
        for each in waiting[:1]:
            answer(each, progress)

    def hear(self, amount: str) -> None:
        provider_says_refunded(self.invoice, amount)

    def dispute(self, status: DisputeStatus, amount: str, number: int) -> None:
        name = f"dp_{self.invoice.number}_{number}"
        bank_says(self.invoice, status, amount, name=name)


Step = tuple[Callable[..., None], Any]
steps = st.one_of(
    st.tuples(st.just(Shop.use), st.integers(1, 25)),
    st.tuples(st.just(Shop.void)),
    st.tuples(st.just(Shop.refund), cents),
    st.tuples(st.just(Shop.end), st.sampled_from(Progress)),
    st.tuples(st.just(Shop.hear), cents),
    st.tuples(
        st.just(Shop.dispute),
        st.sampled_from(DisputeStatus),
        cents,
        st.integers(1, 2),
    ),
)


def bought_by_somebody() -> Shop:
    buyer = customer(name=f"cus_{make.unique()}")
    return Shop(bought(str(PRICE), credits=str(GRANTED), bonus=str(BONUS), by=buyer))


def bought_of(shop: Shop) -> Purchased:
    purchased = find_purchased(payment_of(shop.invoice))
    assert purchased
    return purchased


@pytest.mark.django_db
@settings(max_examples=60)
@given(history=st.lists(steps, max_size=12))
def test_credits_are_off_for_the_money_that_is_gone(history: list[Step]) -> None:
    shop = bought_by_somebody()

    for do, *arguments in history:
        do(shop, *arguments)

    purchased = bought_of(shop)
    off = purchased.withdrawn + purchased.owed
    due = purchased.credits_for(purchased.returned)
    assert off <= due + DUST
    if not Dispute.objects.filter(payment=purchased.payment, status="open").exists():
        assert abs(off - due) <= DUST
    assert abs(balance_of(shop) - on_paper(shop, purchased)) <= DUST
    assert quote_refund(invoice=shop.invoice, at=NOW).money <= PRICE - min(
        Decimal(PRICE), purchased.returned
    )
    assert audit.differences() == []
    assert [each for each in verify_returns() if each.differences] == []


def balance_of(shop: Shop) -> Decimal:
    shop.invoice.customer.wallet.refresh_from_db()
    return shop.invoice.customer.wallet.balance


def on_paper(shop: Shop, purchased: Purchased) -> Decimal:
    """Return the balance of what was bought, less what was used and what is off."""
    used = sum(shop.used.values(), ZERO)
    off = purchased.withdrawn + purchased.owed
    return GRANTED + BONUS - used - off - bonus_off(purchased)


def bonus_off(purchased: Purchased) -> Decimal:
    rows: list[Refund | Dispute] = [
        *purchased.payment.refunds.exclude(status__in=("requested", "failed")),
        *purchased.payment.disputes.exclude(status="won"),
    ]
    return sum((row.bonus_credits for row in rows), ZERO)
