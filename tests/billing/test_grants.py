"""Credits that operators give: once for a reference, for a reason, never as bought."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from billing.queries.grants import GrantPreview, preview_grant
from billing.services.grants import (
    LONGEST,
    GrantTimeError,
    GrantTooLargeError,
    OtherCreditsGivenError,
    PurchaseByHandError,
    ReferenceReservedError,
    give_credits,
    grant_pack,
    grant_purchase,
)
from ledger.models import Book, CreditLot, Entry, Kind, Source
from ledger.queries import get_balance
from ledger.services import Grant, grant_credits
from tests import make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SOLD: dict[str, Any] = {
    "reference": "invoice:INV-2026-000001",
    "actor": "payment",
    "at": make.NOW,
}


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

    @pytest.mark.parametrize("suffix", ["", ":bonus"])
    def test_refuses_the_reference_of_an_invoice(self, suffix: str) -> None:
        reference = f"invoice:INV-2026-000001{suffix}"

        with pytest.raises(ReferenceReservedError, match="kept for what an invoice"):
            give(make.customer(), reference=reference)

        assert not CreditLot.objects.exists()

    def test_gives_no_more_at_once_than_the_maximum(self, settings: Settings) -> None:
        settings.GRANT_MAXIMUM = Decimal(10)
        customer = make.customer()

        with pytest.raises(GrantTooLargeError, match="at most 10 credits"):
            give(customer, "10.01")

        assert give(customer, "10").granted == 10

    @pytest.mark.parametrize(
        "times",
        [
            {"starts_at": datetime(1999, 12, 31, tzinfo=UTC)},
            {"starts_at": make.NOW + LONGEST + DAY},
            {"expires_at": make.NOW + LONGEST + DAY},
        ],
        ids=str,
    )
    def test_refuses_times_where_no_grant_lies(self, times: dict[str, Any]) -> None:
        with pytest.raises(GrantTimeError, match="in 2000 or later"):
            give(make.customer(), **times)

    def test_lasts_a_hundred_years_at_most(self) -> None:
        lot = give(make.customer(), expires_at=make.NOW + LONGEST)

        assert lot.expires_at == make.NOW + LONGEST

    def test_settles_the_overdraft_first(self, customer: Any) -> None:
        assert give(customer).remaining == 6

    def test_settles_nothing_with_credits_that_are_over(self, customer: Any) -> None:
        lot = give(customer, starts_at=make.NOW - DAY, expires_at=make.NOW)

        assert lot.remaining == 10


class TestGrantPurchase:
    @pytest.mark.parametrize(("credits", "price"), [("11", "10"), ("10", "11")])
    def test_refuses_a_reference_that_gave_something_else(
        self, credits: str, price: str
    ) -> None:
        customer = make.customer()
        first: dict[str, Any] = {"credits": Decimal(10), "price": Decimal(10)}
        grant_purchase(customer=customer, **first, **SOLD)
        asked: dict[str, Any] = {"credits": Decimal(credits), "price": Decimal(price)}

        grant_purchase(customer=customer, **first, **SOLD)
        with pytest.raises(OtherCreditsGivenError, match="has given other credits"):
            grant_purchase(customer=customer, **asked, **SOLD)

        assert CreditLot.objects.get().granted == 10

    def test_refuses_what_was_not_sold(self) -> None:
        customer = make.customer()
        taken(customer, Source.ADJUSTMENT, "invoice:INV-2026-000001")

        with pytest.raises(OtherCreditsGivenError):
            grant_purchase(
                customer=customer, credits=Decimal(50), price=Decimal(0), **SOLD
            )


class TestGrantPack:
    @pytest.mark.parametrize("suffix", ["", ":bonus"])
    def test_refuses_a_reference_that_gave_something_else(self, suffix: str) -> None:
        customer = make.customer()
        pack = make.pack(bonus="5")
        taken(customer, Source.TRIAL, f"invoice:INV-2026-000001{suffix}")

        with pytest.raises(OtherCreditsGivenError, match="has given other credits"):
            grant_pack(customer=customer, pack=pack, **SOLD)

        assert CreditLot.objects.count() == 1

    def test_gives_a_pack_once(self) -> None:
        customer = make.customer()
        pack = make.pack(bonus="5")

        first, again = (
            grant_pack(customer=customer, pack=pack, **SOLD) for _ in range(2)
        )

        assert first == again
        assert CreditLot.objects.count() == 2


def taken(customer: Any, source: Source, reference: str) -> None:
    """Let other credits have the reference of a purchase."""
    grant = Grant(
        source=source, amount=Decimal(50), reference=reference, starts_at=make.NOW
    )
    grant_credits(
        wallet_id=customer.wallet_id, grant=grant, actor="eve", occurred_at=make.NOW
    )


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
