"""Auto top-ups: what may be agreed to."""

import pytest
from pytest_django import Settings

from billing.models import Notice, NoticeKind
from billing.services.alerts import ThresholdError
from invoices.models import AutoTopUp
from invoices.services.methods import remove_method
from invoices.services.purchases import AmountNotForSaleError
from invoices.services.top_ups import (
    MethodNotKeptError,
    MonthlyMaximumError,
    ThresholdAboveAmountError,
)
from tests import make, raw
from tests.billing.alerting import alert, use, watched
from tests.invoices.topping_up import (
    HOUR,
    NOW,
    agree,
    keep_card,
    topped_up,
)

pytestmark = pytest.mark.django_db


class TestSetAutoTopUp:
    def test_watches_for_its_threshold(self) -> None:
        customer = topped_up()

        assert AutoTopUp.objects.get().is_on
        assert watched(customer) == 8

    def test_tells_its_terms_once_for_each_change(self) -> None:
        customer = topped_up()
        method = AutoTopUp.objects.get().method

        agree(customer, method, at=NOW + HOUR)
        agree(customer, method, threshold="9", at=NOW + HOUR)

        told = Notice.objects.filter(kind=NoticeKind.TOP_UP_CHANGED).order_by("pk")
        assert [notice.facts["threshold"] for notice in told] == ["8", "9"]
        assert told[0].facts == {
            "threshold": "8",
            "amount": "20",
            "monthly_maximum": "60",
            "card": "Test card ending in 4242",
            "by": "ada",
        }

    def test_takes_a_threshold_of_one_purchase(self) -> None:
        topped_up(threshold="20")

        assert AutoTopUp.objects.get().threshold == 20

    @pytest.mark.parametrize(
        ("terms", "error"),
        [
            ({"amount": "4.99"}, AmountNotForSaleError),
            ({"amount": "10000.01", "monthly_maximum": "99999"}, AmountNotForSaleError),
            ({"amount": "20.001"}, AmountNotForSaleError),
            ({"threshold": "-1"}, ThresholdError),
            ({"threshold": "NaN"}, ThresholdError),
            ({"threshold": "20.01"}, ThresholdAboveAmountError),
            ({"monthly_maximum": "19.99"}, MonthlyMaximumError),
            ({"monthly_maximum": "1000.01"}, MonthlyMaximumError),
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

    def test_the_database_refuses_a_threshold_above_the_amount(self) -> None:
        topped_up()

        refusal = raw.refusal("UPDATE invoices_autotopup SET threshold = 20.01")

        assert isinstance(refusal, raw.CHECKED)
        assert "invoices_autotopup_threshold_within_amount" in str(refusal)

    def test_the_database_refuses_to_be_off_without_a_reason(self) -> None:
        topped_up()

        refusal = raw.refusal("UPDATE invoices_autotopup SET is_on = false")

        assert isinstance(refusal, raw.CHECKED)
        assert "invoices_autotopup_off_says_why" in str(refusal)


def test_is_promised_by_the_mail_on_low_credits() -> None:
    customer = topped_up()
    alert(customer, "9")

    use("a")

    assert Notice.objects.get(kind=NoticeKind.LOW_BALANCE).facts["bought_below"] == "8"
