"""The books by month: every column rolls forward, at the prices that were paid."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from ledger.books import BookMonth, Deferred, Promotion, Receivable, list_months
from ledger.models import Book, CreditLot, Kind, Source, Wallet
from ledger.services import expire_wallet, open_wallet, settle_receivable
from tests import make
from tests.ledger.history import post, recorded, sell

pytestmark = pytest.mark.django_db

YESTERDAY = make.NOW - timedelta(days=1)
SEPTEMBER, OCTOBER, NOVEMBER = (
    datetime(2026, month, 10, tzinfo=UTC) for month in (9, 10, 11)
)
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def wallet() -> Wallet:
    return make.wallet()


def only_month() -> BookMonth:
    [month] = list_months()
    return month


def decimals(amounts: dict[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(text) for name, text in amounts.items()}


def deferred(**amounts: str) -> Deferred:
    return Deferred(**decimals(amounts))


def promotion(**amounts: str) -> Promotion:
    return Promotion(**decimals(amounts))


def receivable(**amounts: str) -> Receivable:
    return Receivable(**decimals(amounts))


def expire(wallet: Wallet) -> None:
    expire_wallet(wallet_id=wallet.pk, expired_before=make.NOW, actor="sweep")


class TestDeferredRevenue:
    def test_is_what_was_paid_for_the_credits_left(self, wallet: Wallet) -> None:
        sell(wallet, "50", price="45")
        make.spend(wallet, "10.000000000000000001")

        assert only_month().deferred == deferred(
            opening="0",
            sold="45",
            recognized="-9.0000000000000000009",
            closing="35.9999999999999999991",
        )

    def test_ends_at_zero_whatever_the_price_of_a_credit(self, wallet: Wallet) -> None:
        sell(wallet, "3", price="10")
        for _ in range(3):
            make.spend(wallet, "1")

        assert only_month().deferred == deferred(
            opening="0", sold="10", recognized="-10", closing="0"
        )

    def test_breaks_when_credits_expire(self, wallet: Wallet) -> None:
        make.lot(wallet, "10", expires_at=YESTERDAY)
        expire(wallet)

        assert only_month().deferred == deferred(
            opening="0", sold="10", breakage="-10", closing="0"
        )

    def test_is_given_back_with_a_refund_and_returns_if_it_fails(
        self, wallet: Wallet
    ) -> None:
        lot = sell(wallet, "50", price="45")
        post(wallet, Kind.REFUND, Book.REFUNDED, "-30", lot=lot)
        post(wallet, Kind.REVERSAL, Book.REFUNDED, "10", lot=lot)

        assert only_month().deferred == deferred(
            opening="0", sold="45", refunded="-18", closing="27"
        )

    def test_counts_a_correction_against_what_was_recognized(
        self, wallet: Wallet
    ) -> None:
        lot = sell(wallet, "50", price="45")
        make.spend(wallet, "20")
        post(wallet, Kind.REVERSAL, Book.CONSUMED, "10", lot=lot)

        assert only_month().deferred.recognized == -9


class TestPromotion:
    def test_is_used_expires_and_is_clawed_back(self, wallet: Wallet) -> None:
        make.lot(wallet, "10", source=Source.TRIAL, expires_at=YESTERDAY)
        make.spend(wallet, "3", at=YESTERDAY - INSTANT)
        expire(wallet)
        bonus = make.lot(wallet, "5", source=Source.PROMOTION)
        post(wallet, Kind.REFUND, Book.PROMOTION, "-4", lot=bonus)
        post(wallet, Kind.REVERSAL, Book.PROMOTION, "1", lot=bonus)

        month = only_month()
        assert month.promotion == promotion(
            opening="0",
            granted="15",
            used="-3",
            expired="-7",
            clawed_back="-3",
            closing="2",
        )
        assert month.revenue == 0

    def test_is_clawed_back_by_a_chargeback_too(self, wallet: Wallet) -> None:
        bonus = make.lot(wallet, "5", source=Source.ADJUSTMENT)
        post(wallet, Kind.DISPUTE, Book.REFUNDED, "-5", lot=bonus)

        assert only_month().promotion.clawed_back == -5


class TestReceivable:
    def test_arises_from_usage_and_from_chargebacks(self, wallet: Wallet) -> None:
        make.spend(wallet, "8")
        post(wallet, Kind.DISPUTE, Book.REFUNDED, "-2", lot=None)

        month = only_month()
        assert month.receivable == receivable(
            opening="0", used="8", clawed_back="2", closing="10"
        )
        assert month.revenue == 8

    def test_is_settled_by_money(self, wallet: Wallet) -> None:
        make.spend(wallet, "8")
        settle_receivable(
            wallet_id=wallet.pk,
            amount=Decimal("7.99"),
            reference="invoice:1",
            actor="payment",
            occurred_at=make.NOW,
        )

        assert only_month().receivable == receivable(
            opening="0", used="8", settled_by_money="-7.99", closing="0.01"
        )

    def test_is_settled_by_credits_at_more_than_they_cost(self, wallet: Wallet) -> None:
        make.spend(wallet, "12")
        make.lot(wallet, "2", source=Source.PROMOTION)
        sell(wallet, "50", price="45")

        month = only_month()
        assert month.receivable == receivable(
            opening="0", used="12", settled_by_credits="-12", closing="0"
        )
        assert month.promotion.settled == -2
        assert month.deferred.settled == -9
        assert make.row(month.revenue, month.forgiven) == (12, 3)


class TestListMonths:
    def test_opens_each_month_with_the_closing_before(self, wallet: Wallet) -> None:
        with recorded(SEPTEMBER):
            sell(wallet, "3", price="10")
        with recorded(NOVEMBER):
            make.spend(wallet, "1")

        november, october, september = list_months()
        assert [november.month, october.month, september.month] == [
            date(2026, 11, 1),
            date(2026, 10, 1),
            date(2026, 9, 1),
        ]
        assert october.deferred == deferred(opening="10", closing="10")
        assert september.deferred.closing == october.deferred.opening
        assert october.deferred.closing == november.deferred.opening

    def test_ends_a_month_with_its_last_instant_in_utc(self, wallet: Wallet) -> None:
        ends = datetime(2026, 11, 1, tzinfo=UTC)
        with recorded(ends - INSTANT):
            make.lot(wallet, "1")
        with recorded(ends):
            make.lot(wallet, "2")

        assert [month.deferred.sold for month in list_months()] == [2, 1]

    def test_passes_over_the_end_of_a_year(self, wallet: Wallet) -> None:
        for year, month in ((2025, 12), (2026, 2)):
            with recorded(datetime(year, month, 10, tzinfo=UTC)):
                make.lot(wallet, "1")

        found = [(each.month.year, each.month.month) for each in list_months()]
        assert found == [(2026, 2), (2026, 1), (2025, 12)]

    def test_reads_only_the_months_asked_for(self, wallet: Wallet) -> None:
        with recorded(SEPTEMBER):
            make.lot(wallet, "10")
        with recorded(OCTOBER):
            make.spend(wallet, "1")

        [month] = list_months(since=datetime(2026, 10, 1, tzinfo=UTC))
        assert month == list_months()[0]
        assert month.deferred.opening == 10

    def test_never_changes_a_month_that_is_over(self, wallet: Wallet) -> None:
        with recorded(SEPTEMBER):
            lot = sell(wallet, "3", price="10")
            make.spend(wallet, "1")
        before = only_month()

        post(wallet, Kind.REFUND, Book.REFUNDED, "-1", lot=lot)

        assert list_months()[-1] == before

    def test_keeps_currencies_apart(self, wallet: Wallet) -> None:
        make.lot(open_wallet(currency="EUR"), "7")
        make.lot(wallet, "5")

        euro, dollar = list_months()
        assert make.row(euro.currency, euro.deferred.closing) == ("EUR", 7)
        assert make.row(dollar.currency, dollar.deferred.closing) == ("USD", 5)

    def test_is_empty_before_the_first_entry(self, wallet: Wallet) -> None:
        assert CreditLot.objects.filter(wallet=wallet).count() == 0
        assert list_months() == []

    def test_adds_wallets_up(self, wallet: Wallet) -> None:
        other = make.wallet()
        for each, amount in ((wallet, "5"), (other, "6")):
            make.lot(each, amount)
            make.spend(each, "10")

        month = only_month()
        assert month.deferred.sold == 11
        assert month.receivable.closing == 9


def test_months_follow_each_other_without_a_gap() -> None:
    wallet = make.wallet()
    for at in (SEPTEMBER, OCTOBER, NOVEMBER):
        with recorded(at):
            make.lot(wallet, "5")
            make.spend(wallet, "7")

    for later, earlier in pairwise(list_months()):
        assert later.receivable.opening == earlier.receivable.closing
        assert later.deferred.opening == earlier.deferred.closing
