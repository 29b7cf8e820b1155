"""How operators give credits: a form, a preview of the entries, a confirmation."""

import re
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Customer
from ledger.models import CreditLot
from tests import make
from tests.admin_pages import post, staff

pytestmark = pytest.mark.django_db
TOKEN = "6b1f6a9e-3a0b-4b6c-9d57-0c5c0f2f6a11"  # noqa: S105 - the form's, not a secret.
ASKED = {
    "token": TOKEN,
    "source": "adjustment",
    "amount": "10.5",
    "starts_at": "",
    "expires_at": "",
    "priority": "0",
    "reason": "an outage",
}
CONFIRMED = ASKED | {"_grant": ""}


@pytest.fixture
def customer() -> Customer:
    """Return a customer that owes 4 credits."""
    made = make.customer()
    make.spend(made.wallet, "4")
    return made


def url(customer: Customer, page: str = "grant_credits") -> str:
    return f"/admin/billing/customer/{customer.pk}/{page}/"


def send(client: Client, customer: Customer, form: dict[str, str]) -> str:
    return post(client, url(customer), **form)


def confirm(client: Client, customer: Customer, **changes: str) -> str:
    """Ask for a preview and confirm what it shows."""
    page = send(client, customer, ASKED | changes)
    seal = re.findall(r'name="previewed" value="([^"]+)"', page)[0]
    return send(client, customer, CONFIRMED | changes | {"previewed": seal})


class TestTheForm:
    def test_is_offered_on_the_customers_page(
        self, operator: Client, customer: Customer
    ) -> None:
        page = operator.get(url(customer, "change")).content.decode()

        assert f'href="{url(customer)}"' in page

    def test_does_not_offer_purchases(
        self, operator: Client, customer: Customer
    ) -> None:
        page = operator.get(url(customer)).content.decode()

        assert re.findall(r'<option value="(\w+)"', page) == [
            "promotion",
            "trial",
            "adjustment",
        ]

    def test_has_a_token_of_its_own(self, operator: Client, customer: Customer) -> None:
        pages = [operator.get(url(customer)).content.decode() for _ in range(2)]

        tokens = [re.findall(r'name="token" value="([^"]+)"', page) for page in pages]
        assert UUID(tokens[0][0]) != UUID(tokens[1][0])

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"source": "purchase"}, "Select a valid choice"),
            ({"amount": "0"}, "more than zero"),
            ({"amount": "-1"}, "Enter a number"),
            ({"amount": "1E+1"}, "Enter a number"),
            ({"amount": "NaN"}, "Enter a number"),
            ({"amount": "0.0000000000000000001"}, "18 decimal places"),
            ({"reason": "  "}, "This field is required"),
            ({"amount": "10000.01"}, "At most 10000 credits are given by hand at once"),
            ({"expires_at": "2026-01-01T00:00"}, "expired already"),
            ({"expires_at": "9999-12-31T23:59"}, "to 100 years from now"),
            ({"starts_at": "0001-01-01T00:00"}, "from 2000"),
            ({"starts_at": "9999-01-01T00:00"}, "to 100 years from now"),
            (
                {"starts_at": "2099-01-02T00:00", "expires_at": "2099-01-01T00:00"},
                "expired already",
            ),
            ({"token": "x"}, "Enter a valid UUID"),
        ],
    )
    def test_says_what_is_wrong(
        self,
        operator: Client,
        customer: Customer,
        change: dict[str, str],
        problem: str,
    ) -> None:
        assert problem in send(operator, customer, CONFIRMED | change)
        assert not CreditLot.objects.exists()


class TestThePreview:
    def test_shows_the_entries_and_grants_nothing(
        self, operator: Client, customer: Customer
    ) -> None:
        page = send(operator, customer, ASKED)

        assert "$10.50 of credits would be granted to Example Labs" in page
        assert "Source: Adjustment. Priority: 0. Reason: an outage" in page
        assert re.findall("<li>([^<]+: [+-].+?)</li>", page) == [
            "Grant, new credits: +10.50",
            "Settlement, new credits: -4.00",
            "Settlement, overdraft: +4.00",
        ]
        assert "Available: -$4.00 before, $6.50 after." in page
        assert not CreditLot.objects.exists()

    def test_says_from_when_and_until_when(
        self, operator: Client, customer: Customer
    ) -> None:
        times = {"starts_at": "2099-01-01T00:00", "expires_at": "2099-02-01T00:00"}

        page = send(operator, customer, ASKED | times)

        assert "from <time" in page
        assert "1 Jan 2099, 00:00</time> UTC" in page
        assert "1 Feb 2099, 00:00</time> UTC" in page
        assert 'name="expires_at" value="2099-02-01T00:00"' in page

    def test_may_be_left_to_change_the_form(
        self, operator: Client, customer: Customer
    ) -> None:
        page = send(operator, customer, ASKED | {"_change": ""})

        assert "would be granted" not in page
        assert 'value="10.5"' in page
        assert f'value="{TOKEN}"' in page


class TestConfirming:
    def test_grants_for_the_reason_given(
        self, operator: Client, customer: Customer
    ) -> None:
        expires_at = timezone.now().replace(second=0, microsecond=0)
        expires_at += timedelta(days=30)
        until = {"expires_at": f"{expires_at:%Y-%m-%dT%H:%M}", "priority": "-1"}

        page = confirm(operator, customer, **until)

        lot = CreditLot.objects.get()
        assert "10.5 credits are granted to Example Labs" in page
        assert "Available now: $6.50." in page
        assert (lot.source, lot.reason) == ("adjustment", "an outage")
        assert (lot.expires_at, lot.priority) == (expires_at, -1)
        assert make.row(lot.granted, lot.remaining) == (Decimal("10.5"), Decimal("6.5"))
        assert lot.entries.earliest("sequence").actor == "operator"

    def test_twice_grants_once(self, operator: Client, customer: Customer) -> None:
        for _ in range(2):
            assert "are granted" in confirm(operator, customer)

        assert CreditLot.objects.get().reference == f"grant:{TOKEN}"

    def test_another_amount_on_the_same_form_is_refused(
        self, operator: Client, customer: Customer
    ) -> None:
        confirm(operator, customer)

        page = confirm(operator, customer, amount="20")

        assert "has given other credits before. Begin again for more." in page
        assert CreditLot.objects.get().granted == Decimal("10.5")

    @pytest.mark.parametrize(
        "change",
        [{"amount": "11"}, {"expires_at": "2099-01-01T00:00"}, {"previewed": "x"}, {}],
    )
    def test_grants_nothing_but_what_was_shown(
        self, operator: Client, customer: Customer, change: dict[str, str]
    ) -> None:
        page = send(operator, customer, ASKED)
        seal = re.findall(r'name="previewed" value="([^"]+)"', page)[0]
        asked = CONFIRMED | ({"previewed": seal} if change else {}) | change

        page = send(operator, customer, asked)

        assert "Nothing is granted yet. Look at it first." in page
        assert "would be granted" in page
        assert not CreditLot.objects.exists()

    def test_grants_nothing_that_was_shown_for_another_customer(
        self, operator: Client, customer: Customer
    ) -> None:
        page = send(operator, make.customer(external_id="cus_other"), ASKED)
        seal = re.findall(r'name="previewed" value="([^"]+)"', page)[0]

        send(operator, customer, CONFIRMED | {"previewed": seal})

        assert not CreditLot.objects.exists()


class TestWhoMay:
    def test_nobody_without_the_permission(self, customer: Customer) -> None:
        clerk = staff("clerk", "view_customer", "change_customer")

        assert clerk.post(url(customer), CONFIRMED).status_code == 403
        page = clerk.get(url(customer, "change")).content.decode()
        assert url(customer) not in page
        assert not CreditLot.objects.exists()

    def test_who_may_add_lots(self, customer: Customer) -> None:
        clerk = staff("clerk", "view_customer", "add_creditlot")

        confirm(clerk, customer)

        assert CreditLot.objects.get().granted == Decimal("10.5")

    def test_nobody_for_a_customer_that_is_not_there(self, operator: Client) -> None:
        assert operator.get(url(Customer(pk=7))).status_code == 404
