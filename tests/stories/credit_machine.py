"""A customer's credits beside a bookkeeper's, in any order of steps."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.conf import settings as django_settings
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from billing.services.corrections import Note, Replacement, amend_event
from billing.services.events import PostedEvent
from billing.services.grants import give_credits
from config.verification import verify_all
from invoices.models import Payment
from invoices.payments.simulated import Choice, choose
from invoices.services.asking import settle_payment
from invoices.services.checkout import start_checkout
from invoices.services.purchases import buy_pack
from ledger.models import CreditLot, Source
from ledger.queries import get_balance
from ledger.services import expire_wallet
from tests import make
from tests.stories.credit_model import Book, Lot, Parts, Purchase

CUSTOMER = "cus_abc123"
DAY = timedelta(days=1)
CARD = """\
model: m
rates:
  - dimension: seconds
    unit: 1 second
    price_usd: 1
"""
amounts = st.one_of(
    st.integers(1, 40).map(str),
    st.decimals("0.000000000000000001", 20, places=18).map(str),
)
lasting = st.sampled_from([None, 1, 5, 40])
places = st.integers(0, 9)


def decimal(money: Fraction) -> Decimal:
    return Decimal(money.numerator) / money.denominator


def properties(amount: str) -> dict[str, object]:
    return {"model": "m", "seconds": Decimal(amount)}


def call(key: str, amount: str, at: datetime) -> PostedEvent:
    """Return a call that costs so many credits."""
    return PostedEvent(
        customer=CUSTOMER,
        idempotency_key=key,
        event_name="speech",
        occurred_at=at,
        properties=properties(amount),
    )


class CreditMachine(RuleBasedStateMachine):
    """Buys, grants, spends, sweeps and corrects, and verifies all of it in the end."""

    # How many histories agreed.
    verified = 0

    def __init__(self) -> None:
        super().__init__()
        # Taken back in the end, so that each history is verified alone.
        self.scope = transaction.atomic()
        self.scope.__enter__()
        self.customer = make.customer(plan=make.plan(card=make.rate_card(CARD)))
        self.now = make.NOW
        self.book = Book(django_settings.SETTLEMENT_WINDOW)
        self.purchases: list[tuple[Payment, Purchase]] = []
        self.calls: dict[str, tuple[Parts, datetime]] = {}

    def teardown(self) -> None:
        try:
            assert [each.differences for each in verify_all() if each.differences] == []
            CreditMachine.verified += 1
        finally:
            transaction.set_rollback(True)
            self.scope.__exit__(None, None, None)

    @invariant()
    def agrees_with_the_book(self) -> None:
        lots = CreditLot.objects.filter(wallet=self.customer.wallet_id)
        stored = dict(lots.values_list("reference", "remaining"))
        expected = {lot.name: lot.remaining for lot in self.book.lots}
        assert {name: Fraction(left) for name, left in stored.items()} == expected
        balance = get_balance(wallet_id=self.customer.wallet_id, at=self.now)
        assert Fraction(balance.book) == self.book.balance
        assert Fraction(balance.available) == self.book.available(self.now)

    @rule(hours=st.integers(-6, 48 * 24))
    def step_the_clock(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(
        price=st.sampled_from(["10", "45"]),
        bonus=st.sampled_from(["0", "5"]),
        days=lasting,
    )
    def buy(self, price: str, bonus: str, days: int | None) -> None:
        pack = make.pack(price=price, credits="50", bonus=bonus, days=days)
        invoice = buy_pack(customer=self.customer, pack=pack, at=self.now)
        start_checkout(invoice=invoice, return_url="/", at=self.now)
        payment = Payment.objects.get(invoice=invoice)
        choose(reference=payment.reference, choice=Choice.PAY)
        settle_payment(payment_id=payment.pk, at=self.now)
        settle_payment(payment_id=payment.pk, at=self.now)
        name = f"invoice:{invoice.number}"
        ends = self.now + days * DAY if days else None
        paid = Lot(name, True, Fraction(50), self.now, ends)
        self.book.grant(paid, self.now)
        free = None
        if bonus != "0":
            free = Lot(f"{name}:bonus", False, Fraction(bonus), self.now, ends)
            self.book.grant(free, self.now)
        self.purchases.append((payment, Purchase(paid, free, Fraction(price))))

    @rule(
        source=st.sampled_from([Source.PROMOTION, Source.TRIAL, Source.ADJUSTMENT]),
        amount=amounts,
        days=lasting,
        ahead=st.integers(-1, 2),
        priority=st.integers(-1, 2),
    )
    def grant(
        self, source: Source, amount: str, days: int | None, ahead: int, priority: int
    ) -> None:
        starts_at = self.now + ahead * DAY
        expires_at = starts_at + days * DAY if days else None
        name = f"grant:{make.unique()}"
        give_credits(
            customer=self.customer,
            source=source,
            amount=Decimal(amount),
            reference=name,
            actor="ada",
            at=self.now,
            starts_at=starts_at,
            expires_at=expires_at,
            priority=priority,
        )
        lot = Lot(name, False, Fraction(amount), starts_at, expires_at, priority)
        self.book.grant(lot, self.now)

    @rule(amount=amounts, late=st.integers(0, 34))
    def spend(self, amount: str, late: int) -> None:
        at = self.now - late * DAY
        key = f"req_{make.unique()}"
        event = call(key, amount, at)
        [outcome] = make.record(event, at=self.now)
        [again] = make.record(event, at=self.now)
        assert (outcome.status, again.status) == ("accepted", "duplicate")
        parts = self.book.spend(Fraction(amount), at)
        self.calls[key] = parts, at
        assert Fraction(outcome.balance or 0) == self.book.available(self.now)

    @precondition(lambda self: self.calls)
    @rule(place=places)
    def void(self, place: int) -> None:
        key, (parts, _) = self._pop_call(place)
        make.void(self.customer, key, at=self.now)
        self.book.undo(parts)

    @precondition(lambda self: self.calls)
    @rule(place=places, amount=amounts)
    def amend(self, place: int, amount: str) -> None:
        key, (parts, at) = self._pop_call(place)
        by = f"req_{make.unique()}"
        instead = Replacement(key=by, properties=properties(amount))
        note = Note(reason="miscounted", actor="ada", at=self.now)
        amend_event(customer=self.customer, key=key, replacement=instead, note=note)
        self.calls[by] = self.book.amend(parts, Fraction(amount), at), at

    def _pop_call(self, place: int) -> tuple[str, tuple[Parts, datetime]]:
        key = sorted(self.calls)[place % len(self.calls)]
        return key, self.calls.pop(key)

    @rule()
    def sweep(self) -> None:
        before = self.now - django_settings.SETTLEMENT_WINDOW
        wallet_id = self.customer.wallet_id
        expire_wallet(wallet_id=wallet_id, expired_before=before, actor="sweep")
        self.book.sweep(self.now)
