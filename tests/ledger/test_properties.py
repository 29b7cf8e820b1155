"""Any history of a wallet: its balance, its entries and its lots always agree."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import CreditLot, Entry, Source, Wallet
from ledger.queries import get_balance
from ledger.services import expire_wallet
from tests import audit, make

HOUR = timedelta(hours=1)
hours = st.integers(-3, 3).map(lambda number: make.NOW + number * HOUR)
amounts = st.one_of(
    st.integers(1, 9).map(str),
    st.decimals("0.000000000000000001", 10**12, places=18).map(str),
)


@dataclass
class Books:
    """A wallet and what a bookkeeper with paper would have written down."""

    wallet: Wallet
    total: Fraction = field(default_factory=Fraction)

    def grant(
        self, amount: str, starts_at: datetime, lasts: int | None, source: Source
    ) -> None:
        expires_at = starts_at + lasts * HOUR if lasts else None
        make.lot(
            self.wallet,
            amount,
            source=source,
            starts_at=starts_at,
            expires_at=expires_at,
        )
        self.total += Fraction(amount)

    def spend(self, amount: str, at: datetime) -> None:
        parts = make.spend(self.wallet, amount, at=at)
        assert sum(Fraction(part) for _, part in parts) == Fraction(amount)
        self.total -= Fraction(amount)

    def expire(self, before: datetime) -> None:
        over = CreditLot.objects.filter(wallet=self.wallet, expires_at__lte=before)
        self.total -= sum(Fraction(lot.remaining) for lot in over)
        expire_wallet(wallet_id=self.wallet.pk, expired_before=before, actor="sweep")


grants = st.tuples(
    st.just(Books.grant),
    amounts,
    hours,
    st.one_of(st.none(), st.integers(1, 3)),
    st.sampled_from(Source),
)
spends = st.tuples(st.just(Books.spend), amounts, hours)
expiries = st.tuples(st.just(Books.expire), hours)
histories = st.lists(st.one_of(grants, spends, spends, expiries), max_size=12)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_balance_is_the_sum_of_entries_and_of_lots_less_overdraft(
    history: list[tuple],  # type: ignore[type-arg]
) -> None:
    books = Books(make.wallet())

    for step, *arguments in history:
        step(books, *arguments)

    wallet = Wallet.objects.get(pk=books.wallet.pk)
    balance = get_balance(wallet_id=wallet.pk, at=make.NOW)
    assert Fraction(wallet.balance) == books.total
    assert Fraction(balance.book) == books.total
    assert wallet.sequence == Entry.objects.filter(wallet=wallet).count()
    assert audit.differences() == []
