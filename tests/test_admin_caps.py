"""How operators set and remove spend caps."""

import pytest
from django.test import Client

from billing.models import CapOwner, Customer, SpendCap
from billing.services.caps import MOST_CAPS
from tests import make
from tests.admin_pages import post, read, staff, url_of
from tests.billing.capping import cap, named_key

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/spendcap/"
DAY = {"period": "day", "amount": "2.50"}
OPERATOR = CapOwner.OPERATOR


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits."""
    return make.customer(credits="10")


def add(browser: Client, customer: Customer, **changes: str) -> str:
    form = {"customer": str(customer.pk)} | DAY | changes
    return post(browser, f"{LIST}add/", **form)


class TestSetting:
    def test_is_done_as_an_operator(self, operator: Client, customer: Customer) -> None:
        key = named_key(customer)

        page = add(operator, customer, api_key=str(key.pk), model="gpt")

        assert "was added successfully" in page
        made = SpendCap.objects.get()
        assert (made.set_by, made.actor) == ("operator", "operator")
        assert (made.api_key, made.model) == (key, "gpt")

    def test_again_replaces_it(self, operator: Client, customer: Customer) -> None:
        add(operator, customer)
        add(operator, customer, amount="3")

        assert SpendCap.objects.get().amount == 3

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"amount": "-1"}, "Enter a number."),
            ({"amount": "1000000000.01"}, "Choose an amount from 0 to 1,000,000,000."),
            ({"period": "week"}, "Select a valid choice."),
        ],
    )
    def test_says_what_is_wrong(
        self,
        operator: Client,
        customer: Customer,
        changes: dict[str, str],
        problem: str,
    ) -> None:
        assert problem in add(operator, customer, **changes)
        assert not SpendCap.objects.exists()

    def test_takes_no_key_of_another(
        self, operator: Client, customer: Customer
    ) -> None:
        other = named_key(make.customer(external_id="cus_other"))

        page = add(operator, customer, api_key=str(other.pk))

        assert "It is not a key of this customer." in page
        assert not SpendCap.objects.exists()

    def test_stops_at_fifty(self, operator: Client, customer: Customer) -> None:
        for number in range(MOST_CAPS):
            cap(customer, model=f"model-{number}", owner=OPERATOR)

        page = add(operator, customer)

        assert "There are 50 caps: remove one first." in page
        assert SpendCap.objects.count() == MOST_CAPS


class TestRemoving:
    def test_takes_an_operators(self, operator: Client, customer: Customer) -> None:
        ours = cap(customer, owner=OPERATOR)

        post(operator, url_of(ours, "delete"), post="yes")

        assert not SpendCap.objects.exists()

    def test_takes_several(self, operator: Client, customer: Customer) -> None:
        pks = [cap(customer, model=m, owner=OPERATOR).pk for m in ("a", "b")]
        form = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}

        operator.post(LIST, form)

        assert not SpendCap.objects.exists()

    def test_leaves_the_customers_own(
        self, operator: Client, customer: Customer
    ) -> None:
        own = cap(customer)
        form = {"action": "delete_selected", "_selected_action": [own.pk]}

        answer = operator.post(url_of(own, "delete"), {"post": "yes"})
        operator.post(LIST, form | {"post": "yes"})

        assert answer.status_code == 403
        assert SpendCap.objects.get() == own


def test_caps_are_shown_exactly_and_not_edited(
    operator: Client, customer: Customer
) -> None:
    own = cap(customer, "2.5")

    page = read(operator, url_of(own, "change"))

    assert ">2.5<" in page
    assert 'name="amount"' not in page
    of_customer = read(operator, url_of(customer, "change"))
    assert f"{LIST}{own.pk}/change/" in of_customer
    assert ">2.5<" in of_customer


def test_permissions_are_needed(customer: Customer) -> None:
    ours = cap(customer, owner=OPERATOR)
    viewer = staff("viewer", "view_spendcap")

    assert (
        viewer.post(f"{LIST}add/", DAY | {"customer": customer.pk}).status_code == 403
    )
    answer = viewer.post(url_of(ours, "delete"), {"post": "yes"})
    assert answer.status_code == 403
    assert SpendCap.objects.get() == ours
