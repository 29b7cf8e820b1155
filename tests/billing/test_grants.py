"""Credits that operators give: once for a reference, for a reason, never as bought."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.queries.grants import GrantPreview, preview_grant
from billing.services.grants import (
    OtherCreditsGivenError,
    PurchaseByHandError,
    give_credits,
)
from ledger.models import Book, CreditLot, Entry, Kind, Source
from ledger.queries import get_balance
from tests import make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def customer() -> Any:
    """Return a customer that owes 4 credits."""
    made = make.customer()
    make.spend(made.wallet, "4")
    return made


def give(customer: Any, amount: str = "10", **changes: Any) -> CreditLot:
    asked: dict[str, Any] = {
        "source": Source.PROMOTION,
        "reference": "launch",
        "actor": "ada",
        "at": make.NOW,
    }
    return give_credits(customer=customer, amount=Decimal(amount), **asked | changes)


def preview(customer: Any, **times: Any) -> GrantPreview:
    asked = {"starts_at": None, "expires_at": None} | times
    return preview_grant(
        customer=customer,
        source=Source.TRIAL,
        amount=Decimal(10),
        at=make.NOW,
        **asked,
    )


class TestGiveCredits:
    @pytest.mark.parametrize("source", ["promotion", "trial", "adjustment"])
    def test_keeps_what_was_said_of_them(self, source: str) -> None:
        lot = give(
            make.customer(),
            source=Source(source),
            reason="an outage",
            starts_at=make.NOW + DAY,
            expires_at=make.NOW + 2 * DAY,
            priority=-1,
        )

        lot.refresh_from_db()
        assert (lot.source, lot.reason, lot.priority) == (source, "an outage", -1)
        assert (lot.starts_at, lot.expires_at) == (make.NOW + DAY, make.NOW + 2 * DAY)
        assert make.row(lot.granted, lot.price_paid) == (10, 0)
        assert Entry.objects.get().book == Book.PROMOTION

    def test_begins_at_once_and_never_ends_unless_told(self) -> None:
        lot = give(make.customer())

        assert (lot.starts_at, lot.expires_at, lot.reason) == (make.NOW, None, "")

    @pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=5), DAY])
    def test_gives_a_recurring_grant_once_for_a_recurrence(
        self, late: timedelta
    ) -> None:
        customer = make.customer()
        # The first recurrence is the moment at which it was agreed on.
        for at in (make.NOW, make.NOW + late):
            give(customer, reference="monthly:2026-11", starts_at=make.NOW, at=at)

        give(customer, reference="monthly:2026-12", at=make.NOW + 30 * DAY)

        lots = CreditLot.objects.order_by("pk").values_list("reference", flat=True)
        assert list(lots) == ["monthly:2026-11", "monthly:2026-12"]
        customer.wallet.refresh_from_db()
        assert customer.wallet.balance == 20

    def test_gives_for_one_reference_once(self) -> None:
        customer = make.customer()

        assert give(customer) == give(customer)
        assert CreditLot.objects.count() == 1

    @pytest.mark.parametrize(
        "other", [{"amount": "11"}, {"source": Source.TRIAL}], ids=str
    )
    def test_refuses_other_credits_for_that_reference(
        self, other: dict[str, Any]
    ) -> None:
        customer = make.customer()
        give(customer)

        with pytest.raises(OtherCreditsGivenError, match="launch has given other"):
            give(customer, **other)

        assert CreditLot.objects.get().granted == 10

    def test_refuses_to_give_what_is_bought(self) -> None:
        with pytest.raises(PurchaseByHandError, match="a paid invoice"):
            give(make.customer(), source=Source.PURCHASE)

        assert not CreditLot.objects.exists()

    def test_settles_the_overdraft_first(self, customer: Any) -> None:
        assert give(customer).remaining == 6

    def test_settles_nothing_with_credits_that_are_over(self, customer: Any) -> None:
        lot = give(customer, starts_at=make.NOW - DAY, expires_at=make.NOW)

        assert lot.remaining == 10


class TestPreviewGrant:
    @pytest.mark.parametrize(
        ("times", "available"),
        [
            ({}, 6),
            ({"starts_at": make.NOW - DAY, "expires_at": make.NOW}, -4),
            ({"starts_at": make.NOW + DAY}, -4),
        ],
        ids=["now", "over", "later"],
    )
    def test_says_what_giving_does(
        self, customer: Any, times: dict[str, Any], available: int
    ) -> None:
        expected = preview(customer, **times)

        lot = give(customer, source=Source.TRIAL, **times)

        entries = Entry.objects.filter(cause="launch").order_by("sequence")
        assert [
            (each.kind, each.book, each.amount, each.lot_id == lot.pk)
            for each in entries
        ] == [(m.kind, m.book, m.amount, m.is_on_lot) for m in expected.moves]
        balance = get_balance(wallet_id=customer.wallet_id, at=make.NOW)
        assert balance.available == expected.available == available

    def test_changes_nothing(self, customer: Any) -> None:
        expected = preview(customer)

        assert expected.moves[0].kind == Kind.GRANT
        assert expected.before.available == -4
        assert not CreditLot.objects.exists()
