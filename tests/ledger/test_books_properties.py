"""Any history of grants, spends, expiries and refunds: the books roll forward."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.books import BookMonth, list_months
from ledger.models import Book, CreditLot, Entry, Kind, Source, Wallet
from ledger.services import expire_wallet
from ledger.verification import verify_ledger
from tests import make
from tests.ledger.history import post, recorded, sell

Step = Callable[[Wallet], None]

# A cut of 36 decimals, twice for each movement.
TINY = Fraction(1, 10**30)
PARTS = ("deferred", "promotion", "receivable")
FREE = [source for source in Source if source != Source.PURCHASE]
YESTERDAY = make.NOW - timedelta(days=1)
amounts = st.one_of(
    st.integers(1, 9).map(str),
    st.decimals("0.000000000000000001", 1000, places=18).map(str),
)


def sold(credits: str, price: str) -> Step:
    return lambda wallet: (sell(wallet, credits, price=price), None)[1]


def given_free(credits: str, source: Source) -> Step:
    def give(wallet: Wallet) -> None:
        make.lot(wallet, credits, source=source, expires_at=YESTERDAY)

    return give


def spent(credits: str, at: datetime) -> Step:
    return lambda wallet: (make.spend(wallet, credits, at=at), None)[1]


def expire(wallet: Wallet) -> None:
    expire_wallet(wallet_id=wallet.pk, expired_before=make.NOW, actor="sweep")


def taken_back(share: int, kind: Kind, *, fails: bool) -> Step:
    def take_back(wallet: Wallet) -> None:
        lot = CreditLot.objects.filter(wallet=wallet, remaining__gt=0).last()
        taken = lot.remaining / share if lot else Decimal(1)
        amount = str(taken.quantize(Decimal("1e-18"), "ROUND_FLOOR"))
        is_free = lot is not None and lot.source != Source.PURCHASE
        book = Book.PROMOTION if is_free and kind == Kind.REFUND else Book.REFUNDED
        post(wallet, kind, book, f"-{amount}", lot=lot)
        if fails:
            post(wallet, Kind.REVERSAL, book, amount, lot=lot)

    return take_back


steps = st.one_of(
    st.builds(sold, amounts, amounts),
    st.builds(given_free, amounts, st.sampled_from(FREE)),
    st.builds(spent, amounts, st.sampled_from([make.NOW, YESTERDAY - timedelta(1)])),
    st.just(expire),
    st.builds(
        taken_back,
        st.integers(1, 3),
        st.sampled_from([Kind.REFUND, Kind.DISPUTE]),
        fails=st.booleans(),
    ),
)
histories = st.lists(st.tuples(st.integers(0, 2), steps), max_size=12)


def by_hand() -> dict[tuple[date, str], Fraction]:
    """Return what moved in each month and part, entry by entry."""
    moved: dict[tuple[date, str], Fraction] = defaultdict(Fraction)
    for entry in Entry.objects.select_related("lot"):
        amount, lot = Fraction(entry.amount), entry.lot
        month = entry.recorded_at.date().replace(day=1)
        if lot is None:
            moved[month, "receivable"] -= amount
        elif lot.source == Source.PURCHASE:
            price = Fraction(lot.price_paid) / Fraction(lot.granted)
            moved[month, "deferred"] += amount * price
        else:
            moved[month, "promotion"] += amount
    return moved


def movements(month: BookMonth, part: str) -> Fraction:
    rolled = getattr(month, part)
    names = set(rolled.__dataclass_fields__) - {"opening", "closing"}
    return sum((Fraction(getattr(rolled, name)) for name in names), Fraction(0))


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_every_column_rolls_forward_to_what_is_held(
    history: list[tuple[int, Step]],
) -> None:
    wallet = make.wallet()
    for month, step in sorted(history, key=lambda pair: pair[0]):
        with recorded(datetime(2026, 8 + month, 10, tzinfo=UTC)):
            step(wallet)

    held = {part: Fraction(0) for part in PARTS}
    moved = by_hand()
    for each in reversed(list_months()):
        for part in PARTS:
            rolled = getattr(each, part)
            change = movements(each, part)
            assert Fraction(rolled.opening) == held[part]
            assert Fraction(rolled.closing) == held[part] + change
            assert abs(change - moved[each.month, part]) < TINY
            held[part] = Fraction(rolled.closing)
    assert [each for each in verify_ledger() if each.differences] == []
