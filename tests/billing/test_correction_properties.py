"""Whatever is recorded and corrected in whatever order, only standing events cost."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Charge, Customer, UsageEvent, UsageRollup
from billing.services.correctable import UnknownEventError
from billing.services.corrections import (
    AlreadyCorrectedError,
    KeyTakenError,
    PeriodSettledError,
    UnpriceableError,
)
from billing.services.events import PostedEvent
from ledger.models import Source
from ledger.money import ZERO, total
from tests import audit, make
from tests.billing.cards import TIERED

DAY = timedelta(days=1)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
REFUSED = (
    UnknownEventError,
    AlreadyCorrectedError,
    KeyTakenError,
    PeriodSettledError,
    UnpriceableError,
)
keys = st.sampled_from(["a", "b", "c", "d", "e"])
# From one that is beyond all prices to one of two tiers.
tokens = st.sampled_from([-1, 0, 50, 700, 1_500])
days = st.integers(0, 20)


@dataclass
class Shop:
    """A customer, and what a bookkeeper with paper would have written down."""

    customer: Customer
    granted: Decimal = ZERO
    gone: set[str] = field(default_factory=set)

    def grant(self, amount: int, ago: int) -> None:
        make.lot(
            self.customer.wallet,
            str(amount),
            source=Source.PROMOTION,
            starts_at=make.NOW - ago * DAY,
        )
        self.granted += amount

    def use(self, key: str, count: int, ago: int) -> None:
        at = make.NOW - ago * DAY
        make.record(self.event(key, at, count))

    def event(self, key: str, at: datetime, count: int) -> PostedEvent:
        name = self.customer.external_id
        return make.event(key, customer=name, occurred_at=at, input_tokens=count)

    def void(self, key: str) -> None:
        try:
            make.void(self.customer, key)
        except REFUSED:
            return
        self.gone.add(key)

    def amend(self, key: str, by: str, count: int) -> None:
        try:
            make.amend(self.customer, key, by=by, input_tokens=count)
        except REFUSED:
            return
        self.gone.add(key)

    def close(self) -> None:
        make.close_period(NOVEMBER, customer=self.customer)

    def standing(self) -> Decimal:
        events = UsageEvent.objects.filter(customer=self.customer)
        stand = events.exclude(idempotency_key__in=self.gone)
        return total(stand.values_list("amount", flat=True))


uses = st.tuples(st.just(Shop.use), keys, tokens, days)
voids = st.tuples(st.just(Shop.void), keys)
amendments = st.tuples(st.just(Shop.amend), keys, keys, tokens)
steps = st.one_of(
    st.tuples(st.just(Shop.grant), st.sampled_from([1, 7]), days),
    st.tuples(st.just(Shop.close)),
    uses,
    voids,
    voids,
    amendments,
    amendments,
)
# Most of a history is what corrects the calls that it begins with.
histories: st.SearchStrategy[list[tuple[Any, ...]]] = st.tuples(
    st.lists(uses, min_size=2, max_size=4), st.lists(steps, min_size=2, max_size=12)
).map(lambda parts: [*parts[0], *parts[1]])


@pytest.mark.django_db
@settings(max_examples=60)
@given(history=histories)
def test_the_balance_is_what_was_granted_less_what_stands(
    history: list[tuple[Any, ...]],
) -> None:
    plan = make.plan(card=make.rate_card(TIERED))
    shop = Shop(make.customer(plan=plan, external_id=f"cus_{make.unique()}"))

    for step, *arguments in history:
        step(shop, *arguments)

    shop.customer.wallet.refresh_from_db()
    charges = Charge.objects.filter(customer=shop.customer)
    rollups = UsageRollup.objects.filter(customer=shop.customer)
    assert shop.customer.wallet.balance == shop.granted - shop.standing()
    assert total(each.amount for each in charges) == shop.standing()
    assert total(each.amount for each in rollups) == shop.standing()
    assert audit.differences() == []
