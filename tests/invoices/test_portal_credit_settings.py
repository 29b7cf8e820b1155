"""The portal's page on alerts, auto top-up and kept cards."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from billing.models import BalanceAlert, Customer
from billing.models.plans import AtZero
from invoices.models import AutoTopUp, OffBecause
from invoices.services.top_up_runs import start_top_up
from invoices.services.top_ups import switch_off_auto_top_up
from tests import make
from tests.billing.alerting import alert, use
from tests.invoices.settings_page import TERMS, read, refuse, send
from tests.invoices.topping_up import (
    DECLINED,
    HOUR,
    agree,
    keep_card,
    overdraw,
    run,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock in the middle of November."""
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    """Return a customer with 5 credits."""
    return make.customer(credits="5", time_zone="Europe/Berlin")


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


class TestAlerts:
    def test_are_added_and_removed(self, browser: Client) -> None:
        assert "No alerts are set." in read(browser)

        page = send(browser, "alerts/", threshold="2.50")
        assert "Alert added." in page
        assert "<strong>Below $2.50</strong>" in page

        page = send(browser, "alerts/remove/", threshold="2.5")
        assert "Alert removed." in page
        assert not BalanceAlert.objects.exists()

    def test_say_that_nothing_changed(self, browser: Client) -> None:
        send(browser, "alerts/", threshold="2.50")

        again = send(browser, "alerts/", threshold="2.5")
        other = send(browser, "alerts/remove/", threshold="3")

        assert "This alert was set already." in again
        assert "Alert added." not in again
        assert "There was no such alert." in other

    def test_are_removed_to_the_last_digit(self, browser: Client) -> None:
        send(browser, "alerts/", threshold="0.000000000000000001")

        assert 'value="0.000000000000000001"' in read(browser)

    def test_say_that_they_were_crossed(
        self, browser: Client, customer: Customer
    ) -> None:
        alert(customer, "4")
        use("a")

        page = read(browser)

        assert "Below it now" in page
        assert "15 Nov 2026, 13:00" in page

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ("", "This field is required."),
            ("much", "Enter a number."),
            ("-1", "Enter a number."),
            ("NaN", "Enter a number."),
            ("1000000001", "Choose a threshold from 0 to 1,000,000,000."),
        ],
    )
    def test_say_what_is_wrong_beside_the_field(
        self, browser: Client, wrong: str, message: str
    ) -> None:
        page = refuse(browser, "alerts/", threshold=wrong)

        assert message in page
        assert 'id="alert-threshold_error"' in page
        assert 'aria-describedby="alert-threshold_error"' in page
        assert 'aria-invalid="true"' in page
        assert "No alerts are set." in page

    def test_say_what_is_compared_with_them(self, client: Client) -> None:
        plan = make.plan(at_zero=AtZero.OVERAGE)
        other = make.customer(
            external_id="cus_over", plan=plan, credits="5", credit_limit="100"
        )
        client.force_login(make.member(other))

        page = read(client)

        assert "Spendable now: $105.00." in page
        assert "That is $5.00 of credits, and a credit limit of $100.00." in page
        assert "They are $5.00 now; a credit limit is not counted." in page


class TestAutoTopUp:
    def test_keeps_to_the_card_in_use(
        self, browser: Client, customer: Customer
    ) -> None:
        used = keep_card(customer)
        newer = keep_card(customer, DECLINED)
        assert "selected" not in read(browser)

        agree(customer, used)

        page = read(browser)
        assert f'<option value="{used.pk}" selected>' in page
        assert f'<option value="{newer.pk}">' in page

    def test_asks_for_a_card_first(self, browser: Client) -> None:
        page = read(browser)

        assert "It needs a card that is kept" in page
        assert "Switch on" not in page

    def test_is_switched_on_changed_and_off(
        self, browser: Client, customer: Customer
    ) -> None:
        method = keep_card(customer)

        page = send(browser, "top-up/", method=method.pk, **TERMS)
        assert "Auto top-up is on." in page
        assert "Buys $20.00 of credits with Test card ending in 4242" in page
        assert 'name="amount" value="20"' in page

        send(browser, "top-up/", method=method.pk, **(TERMS | {"amount": "30"}))
        top_up = AutoTopUp.objects.get()
        assert (top_up.amount, top_up.changed_by) == make.row(30, "ada@example.com")

        page = send(browser, "top-up/off/")
        assert "It is off: you switched it off." in page

    @pytest.mark.parametrize(
        ("field", "wrong", "message"),
        [
            ("threshold", "1000000001", "Choose a threshold from 0 to 1,000,000,000."),
            ("threshold", "20.01", "at most the amount of one purchase, $20.00:"),
            ("amount", "4.99", "Choose an amount from $5.00 to $10,000.00."),
            ("amount", "", "This field is required."),
            ("monthly_maximum", "1001", "from $20.00 to $1,000.00: one purchase"),
            ("monthly_maximum", "19", "from $20.00 to $1,000.00: one purchase"),
            ("method", "0", "Select a valid choice."),
        ],
    )
    def test_says_what_is_wrong_beside_the_field(
        self, browser: Client, customer: Customer, field: str, wrong: str, message: str
    ) -> None:
        method = keep_card(customer)
        values = {**TERMS, "method": str(method.pk)} | {field: wrong}

        page = refuse(browser, "top-up/", **values)

        assert message in page
        assert f'id="top-up-{field}_error"' in page
        assert not AutoTopUp.objects.exists()

    def test_takes_no_other_customers_card(self, browser: Client) -> None:
        others = keep_card(make.customer(external_id="cus_other"))

        refuse(browser, "top-up/", method=others.pk, **TERMS)

        assert not AutoTopUp.objects.exists()

    def test_says_what_it_bought_and_is_buying(
        self, browser: Client, customer: Customer
    ) -> None:
        agree(customer, keep_card(customer))
        overdraw(30)
        run(customer)
        payment = start_top_up(customer_id=customer.pk, at=make.NOW + HOUR)
        assert payment

        page = read(browser)

        assert "<strong>$40.00</strong> of at most $60.00" in page
        assert f"{payment.invoice.number}</a>." in page

    def test_says_that_its_card_was_declined(
        self, browser: Client, customer: Customer
    ) -> None:
        agree(customer, keep_card(customer, DECLINED), threshold="20")
        run(customer)

        page = read(browser)

        assert "The card was declined. It is tried again after" in page
        assert "15 Nov 2026, 14:00" in page

    def test_says_that_its_maximum_is_reached(
        self, browser: Client, customer: Customer
    ) -> None:
        method = keep_card(customer)
        agree(customer, method, monthly_maximum="20")
        overdraw(30)
        for hours in range(2):
            run(customer, at=make.NOW + hours * HOUR)

        page = read(browser)

        assert "would exceed the monthly maximum." in page
        assert "1 Dec 2026, 01:00" in page

    def test_says_that_one_purchase_was_not_enough(
        self, browser: Client, customer: Customer
    ) -> None:
        agree(customer, keep_card(customer))
        overdraw(30)
        run(customer)

        page = read(browser)

        assert "One purchase was not enough. The next is made after" in page
        assert "15 Nov 2026, 14:00" in page

    def test_says_why_it_was_switched_off(
        self, browser: Client, customer: Customer
    ) -> None:
        agree(customer, keep_card(customer))
        switch_off_auto_top_up(
            customer=customer, because=OffBecause.REFUND, by="grace", at=make.NOW
        )

        assert "It is off: credits were refunded." in read(browser)
