"""Auto top-ups: what may be agreed to, and when credits are bought."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.models import Notice, NoticeKind
from billing.services.alerts import ThresholdError, review_balance
from invoices.models import AutoTopUp, Invoice, OffBecause, Payment
from invoices.queries.top_ups import bought_in_month
from invoices.services.methods import remove_method
from invoices.services.purchases import AmountNotForSaleError
from invoices.services.top_up_runs import start_top_up
from invoices.services.top_ups import (
    MethodNotKeptError,
    MonthlyMaximumError,
)
from tests import make, raw
from tests.billing.alerting import alert, use, watched
from tests.invoices.topping_up import (
    DECLINED,
    HOUR,
    NOW,
    agree,
    balance,
    keep_card,
    noticed,
    run,
    topped_up,
)

pytestmark = pytest.mark.django_db


class TestSetAutoTopUp:
    def test_watches_for_its_threshold(self) -> None:
        customer = topped_up()

        assert AutoTopUp.objects.get().is_on
        assert watched(customer) == 8
        assert noticed(customer) == []

    @pytest.mark.parametrize(
        ("terms", "error"),
        [
            ({"amount": "4.99"}, AmountNotForSaleError),
            ({"amount": "10000.01", "monthly_maximum": "99999"}, AmountNotForSaleError),
            ({"amount": "20.001"}, AmountNotForSaleError),
            ({"threshold": "-1"}, ThresholdError),
            ({"threshold": "NaN"}, ThresholdError),
            ({"monthly_maximum": "19.99"}, MonthlyMaximumError),
            ({"monthly_maximum": "NaN"}, MonthlyMaximumError),
            ({"monthly_maximum": "60.0000000000000000001"}, MonthlyMaximumError),
        ],
    )
    def test_refuses_amounts_that_make_no_sense(
        self, terms: dict[str, str], error: type[Exception]
    ) -> None:
        customer = make.customer()
        method = keep_card(customer)

        with pytest.raises(error):
            agree(customer, method, **terms)  # type: ignore[arg-type]

        assert not AutoTopUp.objects.exists()
        assert watched(customer) is None

    def test_takes_a_maximum_of_one_purchase(self) -> None:
        topped_up(monthly_maximum="20")

        assert AutoTopUp.objects.get().monthly_maximum == 20

    def test_needs_a_card_of_the_customers(self) -> None:
        customer = make.customer()
        others = keep_card(make.customer(external_id="cus_other"))

        with pytest.raises(MethodNotKeptError):
            agree(customer, others)

    def test_needs_a_card_that_was_not_removed(self) -> None:
        customer = make.customer()
        method = keep_card(customer)
        remove_method(customer=customer, method_id=method.pk, by="ada", at=NOW)

        with pytest.raises(MethodNotKeptError):
            agree(customer, method)

    def test_needs_a_card_of_the_provider_in_use(self, settings: Settings) -> None:
        customer = make.customer()
        method = keep_card(customer)
        settings.PAYMENT_PROVIDER = "stripe"

        with pytest.raises(MethodNotKeptError):
            agree(customer, method)

    def test_again_replaces_the_terms_and_watches_anew(self) -> None:
        customer = topped_up()

        agree(customer, keep_card(customer), threshold="4", amount="5")

        assert AutoTopUp.objects.get().amount == 5
        assert watched(customer) == 4

    def test_again_with_a_declined_card_still_waits(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        run(customer)

        agree(customer, AutoTopUp.objects.get().method, amount="30")

        assert run(customer, at=NOW + HOUR - timedelta(seconds=1)) is None

    def test_again_with_another_card_buys_at_once(self) -> None:
        customer = topped_up(DECLINED)
        use("a", "b", "c")
        run(customer)

        agree(customer, keep_card(customer))

        assert run(customer)
        assert AutoTopUp.objects.get().failures == 0

    def test_the_database_refuses_to_be_off_without_a_reason(self) -> None:
        topped_up()

        refusal = raw.refusal("UPDATE invoices_autotopup SET is_on = false")

        assert isinstance(refusal, raw.CHECKED)
        assert "invoices_autotopup_off_says_why" in str(refusal)


class TestStartTopUp:
    def test_buys_once_credits_are_below_the_threshold(self) -> None:
        customer = topped_up()
        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        use("a")

        payment = start_top_up(customer_id=customer.pk, at=NOW)

        assert payment
        assert payment.method == AutoTopUp.objects.get().method
        assert (payment.invoice.credits, payment.amount) == make.row(20, 20)

    def test_is_promised_by_the_mail_on_low_credits(self) -> None:
        customer = topped_up()
        alert(customer, "9")

        use("a")

        assert Notice.objects.get().facts["bought_below"] == "8"

    def test_buys_nothing_at_the_threshold_itself(self) -> None:
        customer = topped_up(threshold="7")
        use("a")

        assert start_top_up(customer_id=customer.pk, at=NOW) is None

    def test_buys_one_thing_at_a_time(self) -> None:
        customer = topped_up()
        use("a")
        start_top_up(customer_id=customer.pk, at=NOW)
        use("b")

        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        assert Payment.objects.filter(method__isnull=False).count() == 1

    def test_buys_at_once_if_credits_were_low_before_it_was_agreed(self) -> None:
        customer = topped_up(threshold="50")

        assert run(customer)

    def test_buys_on_until_the_threshold_is_reached(self) -> None:
        customer = topped_up(threshold="45")

        bought = [run(customer) for _ in range(3)]

        assert [bool(payment) for payment in bought] == [True, True, False]
        assert balance(customer) == 50

    def test_buys_nothing_for_somebody_who_never_agreed(self) -> None:
        assert start_top_up(customer_id=make.customer().pk, at=NOW) is None

    def test_counts_what_time_has_let_lapse(self) -> None:
        customer = topped_up(threshold="12")
        make.lot(customer.wallet, "5", expires_at=NOW + HOUR)
        review_balance(customer_id=customer.pk, at=NOW)

        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        assert start_top_up(customer_id=customer.pk, at=NOW + HOUR)

    def test_that_waited_for_the_wallet_does_not_buy_what_was_bought_meanwhile(
        self,
    ) -> None:
        customer = topped_up()
        use("a")
        run(customer, at=NOW + timedelta(seconds=1))

        assert start_top_up(customer_id=customer.pk, at=NOW) is None

    def test_is_off_where_its_amount_is_no_longer_sold(
        self, settings: Settings
    ) -> None:
        customer = topped_up()
        use("a")
        settings.PURCHASE_MINIMUM = Decimal(21)

        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        assert AutoTopUp.objects.get().off_because == OffBecause.AMOUNT
        assert noticed(customer) == [NoticeKind.TOP_UP_OFF]

    def test_is_off_where_its_card_is_of_another_provider(
        self, settings: Settings
    ) -> None:
        customer = topped_up()
        use("a")
        settings.PAYMENT_PROVIDER = "stripe"

        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        assert AutoTopUp.objects.get().off_because == OffBecause.CARD_UNUSABLE

    def test_is_undone_as_a_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        customer = topped_up()
        use("a")
        monkeypatch.setattr("invoices.services.top_up_runs.start_payment", _fail)

        with pytest.raises(ZeroDivisionError):
            start_top_up(customer_id=customer.pk, at=NOW)

        assert Invoice.objects.count() == 1


class TestMonthlyMaximum:
    def test_is_never_passed(self) -> None:
        customer = topped_up(threshold="1000", monthly_maximum="59.99")

        bought = [run(customer) for _ in range(4)]

        assert [bool(payment) for payment in bought] == [True, True, False, False]
        assert bought_in_month(customer=customer, at=NOW) == 40

    def test_may_be_reached_to_the_cent(self) -> None:
        customer = topped_up(threshold="1000", monthly_maximum="40")

        assert [bool(run(customer)) for _ in range(3)] == [True, True, False]

    def test_is_told_once_a_month(self) -> None:
        customer = topped_up(threshold="1000", monthly_maximum="20")
        for hours in range(3):
            run(customer, at=NOW + hours * HOUR)

        method = AutoTopUp.objects.get().method
        agree(customer, method, threshold="1000", amount="15", monthly_maximum="30")
        run(customer)

        assert noticed(customer).count(NoticeKind.TOP_UP_CAPPED) == 1
        capped = Notice.objects.get(kind=NoticeKind.TOP_UP_CAPPED)
        assert capped.facts["bought"] == "20"
        assert AutoTopUp.objects.get().is_on

    def test_counts_months_in_utc(self) -> None:
        december = datetime(2026, 12, 1, tzinfo=UTC)
        customer = topped_up(threshold="1000", monthly_maximum="20")
        run(customer)

        assert run(customer, at=december - timedelta(microseconds=1)) is None
        assert run(customer, at=december)

    def test_goes_on_after_the_end_of_a_year(self) -> None:
        silvester = datetime(2026, 12, 31, 12, tzinfo=UTC)
        customer = topped_up(threshold="1000", monthly_maximum="20")

        bought = [
            run(customer, at=silvester + hours * HOUR) for hours in (0, 1, 11, 12)
        ]

        assert [bool(payment) for payment in bought] == [True, False, False, True]

    def test_counts_what_is_pending_and_not_what_was_declined(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        start_top_up(customer_id=customer.pk, at=NOW)
        assert bought_in_month(customer=customer, at=NOW) == 20

        AutoTopUp.objects.update(pending=None)
        Payment.objects.filter(method__isnull=False).update(status="failed")

        assert bought_in_month(customer=customer, at=NOW) == 0


def _fail(**_: object) -> None:
    raise ZeroDivisionError
