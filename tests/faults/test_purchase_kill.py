"""A purchase is cut off by `kill -9` wherever it may be; it is credited once."""

from collections.abc import Callable

import pytest

from invoices.models import Invoice, Payment, ProviderEvent, SimulatedPayment
from tests import make
from tests.faults.flows import ask, hear, killed_at, order, pay
from tests.invoices.refunding import assert_books_agree, left

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _shop() -> None:
    make.customer()
    make.pack(bonus="5")


def assert_credited_once() -> None:
    invoice = Invoice.objects.get()
    assert make.row(invoice.status, invoice.amount_paid) == ("paid", 50)
    assert Payment.objects.get().status == "succeeded"
    assert SimulatedPayment.objects.count() == 1
    assert left(invoice) == (50, 5, 55)
    assert_books_agree()


@pytest.mark.parametrize(
    "failpoint", ["purchase-invoiced", "purchase-begun", "purchase-offered"]
)
def test_an_order_cut_off_is_the_same_order_when_it_is_made_again(
    failpoint: str,
) -> None:
    assert killed_at(failpoint, "order")

    order()
    pay()
    hear()

    assert_credited_once()


def test_a_page_that_was_left_behind_is_asked_about() -> None:
    assert killed_at("purchase-offered", "order")
    pay()

    ask()

    assert_credited_once()


@pytest.mark.parametrize("failpoint", ["purchase-announced", "purchase-paid"])
@pytest.mark.parametrize("recover", [[hear], [ask], [hear, ask, hear]])
def test_news_cut_off_are_acted_on_when_they_come_again(
    failpoint: str, recover: list[Callable[[], None]]
) -> None:
    order()
    pay()
    assert killed_at(failpoint, "hear")
    assert ProviderEvent.objects.count() == 1

    for again in recover:
        again()

    assert_credited_once()
