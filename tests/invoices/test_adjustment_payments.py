"""What is left to pay after calls were taken back, and what comes back."""

import pytest

from billing.models.plans import Mode
from ledger.models import Source
from tests import make
from tests.invoices.months import (
    DECEMBER,
    JANUARY,
    assert_books_agree,
    balance_of,
    customer_with,
    parts,
    pay,
    use_dollars,
)
from tests.invoices.state import MONTH_END, final

pytestmark = pytest.mark.django_db


class TestPostpaid:
    def test_an_open_invoice_stays_due_and_the_next_gives_it_back(self) -> None:
        customer = customer_with(Mode.POSTPAID)
        use_dollars(6)
        november = final(customer)
        make.void(customer, at=MONTH_END)
        use_dollars(3, "req_2", days=20)

        december = final(customer, DECEMBER)
        pay(november)

        assert parts(december) == (-3, -3, 0, 0)
        balance = balance_of(customer)
        assert make.row(balance.overdraft, balance.available) == (0, 3)
        assert_books_agree()

    def test_what_is_given_back_of_a_paid_invoice_pays_later_usage(self) -> None:
        customer = customer_with(Mode.POSTPAID)
        use_dollars(6)
        pay(final(customer))
        make.void(customer, at=MONTH_END)
        assert balance_of(customer).available == 6
        use_dollars(9, "req_2", days=20)

        december = final(customer, DECEMBER)

        assert parts(december) == (3, 0, 0, 3)
        pay(december)
        assert balance_of(customer).available == 0
        assert_books_agree()

    def test_what_is_left_of_it_pays_the_month_after(self) -> None:
        customer = customer_with(Mode.POSTPAID)
        use_dollars(6)
        pay(final(customer))
        make.void(customer, at=MONTH_END)
        final(customer, DECEMBER)
        use_dollars(9, "req_2", days=50)

        january = final(customer, JANUARY)

        assert parts(january) == (9, 6, 0, 3)
        assert_books_agree()

    def test_an_unpaid_invoice_is_not_asked_for_twice(self) -> None:
        customer = customer_with(Mode.POSTPAID)
        use_dollars(6)
        final(customer)
        make.void(customer, at=MONTH_END)
        final(customer, DECEMBER)
        use_dollars(9, "req_2", days=50)

        january = final(customer, JANUARY)

        # November's $6 are still asked for, so that $3 are missing.
        assert parts(january) == (9, 6, 0, 3)
        assert_books_agree()


class TestHybrid:
    def test_lots_and_overdraft_get_their_parts_back(self) -> None:
        customer = customer_with(Mode.HYBRID, credits="4")
        use_dollars(6)
        pay(final(customer))
        make.void(customer, at=MONTH_END)
        use_dollars(12, "req_2", days=20)

        december = final(customer, DECEMBER)

        # Four from the lot again, two from what was paid in money, six are missing.
        assert parts(december) == (6, 0, 0, 6)
        pay(december)
        assert balance_of(customer).available == 0
        assert_books_agree()


class TestPrepaidOverdraft:
    def test_that_was_carried_over_is_lifted(self) -> None:
        customer = customer_with(credits="1")
        use_dollars(3)
        assert final(customer).carried_over == 2
        make.void(customer, at=MONTH_END)

        december = final(customer, DECEMBER)

        assert parts(december) == (-3, -3, 0, 0)
        assert balance_of(customer).available == 1
        assert_books_agree()

    def test_that_a_pack_settled_is_a_surplus(self) -> None:
        customer = customer_with()
        use_dollars(3)
        final(customer)
        make.lot(customer.wallet, "10", source=Source.PURCHASE)
        make.void(customer, at=MONTH_END)

        assert balance_of(customer).available == 10
        use_dollars(9, "req_2", days=20)

        assert parts(final(customer, DECEMBER)) == (6, 6, 0, 0)
        assert balance_of(customer).available == 1
        assert_books_agree()
