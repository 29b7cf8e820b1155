"""Credit notes over the API, and what an invoice says of them."""

from decimal import Decimal

import pytest

from invoices.models import DisputeStatus, Invoice, Refund
from invoices.payments import Progress
from invoices.queries.reconciliation import reconcile_customer
from tests import make
from tests.invoices.refunding import (
    answer,
    bank_says,
    bought,
    customer,
    refund,
    send,
)
from tests.invoices.test_api import get, status_of

pytestmark = pytest.mark.django_db
NOTE = "/v1/credit-notes/CN-2026-000001"


@pytest.fixture
def invoice() -> Invoice:
    invoice = bought(bonus="5")
    for key, amount in {"a": "20", "b": "7.50"}.items():
        send(refund(invoice, amount, key=key))
    return invoice


def test_one_says_what_went_back_and_what_it_took(invoice: Invoice) -> None:
    note = get(NOTE, make.customer_key(invoice.customer))

    assert note == {
        "number": "CN-2026-000001",
        "invoice": "INV-2026-000001",
        "cancels": None,
        "currency": "USD",
        "total": "20",
        "credits": "20",
        "bonus_credits": "5",
        "overdrawn_credits": "0",
        "reason": "not needed",
        "issued_at": "2026-11-15T12:00:00Z",
    }


def test_one_that_cancels_another_takes_all_of_it_back(invoice: Invoice) -> None:
    answer(Refund.objects.get(key="a"), Progress.FAILED)
    key = make.customer_key(invoice.customer)

    [last, *_] = get("/v1/credit-notes", key)["results"]

    assert last == {
        "number": "CN-2026-000003",
        "invoice": "INV-2026-000001",
        "cancels": "CN-2026-000001",
        "currency": "USD",
        "total": "-20",
        "credits": "-20",
        "bonus_credits": "-5",
        "overdrawn_credits": "0",
        "reason": "cancels CN-2026-000001: the refund failed",
        "issued_at": "2026-11-15T12:00:00Z",
    }
    assert get("/v1/invoices/INV-2026-000001", key)["amount_refunded"] == "7.5"


def test_they_are_listed_newest_first_by_cursor(invoice: Invoice) -> None:
    key = make.customer_key(invoice.customer)

    first = get("/v1/credit-notes?page_size=1", key)
    second = get(first["next"], key)

    totals = [page["results"][0]["total"] for page in (first, second)]
    assert totals == ["7.5", "20"]
    assert second["next"] is None


def test_an_invoice_says_what_of_it_was_refunded(invoice: Invoice) -> None:
    key = make.customer_key(invoice.customer)
    bought(by=invoice.customer)

    one = get("/v1/invoices/INV-2026-000001", key)
    rows = get("/v1/invoices", key)["results"]

    assert (one["amount_paid"], one["amount_refunded"]) == ("50", "27.5")
    assert [row["amount_refunded"] for row in rows] == ["0", "27.5"]


@pytest.mark.parametrize(
    ("decided", "disputed"),
    [(None, "22.5"), (DisputeStatus.LOST, "22.5"), (DisputeStatus.WON, "0")],
)
def test_an_invoice_says_what_of_it_the_bank_holds(
    invoice: Invoice, decided: DisputeStatus | None, disputed: str
) -> None:
    key = make.customer_key(invoice.customer)
    bank_says(invoice, DisputeStatus.OPEN, "22.50")
    if decided:
        bank_says(invoice, decided, "22.50")

    one = get("/v1/invoices/INV-2026-000001", key)

    assert (one["amount_disputed"], one["amount_refunded"]) == (disputed, "27.5")
    [row] = reconcile_customer(external_id="cus_abc123").purchases
    assert row.disputed == Decimal(disputed)


@pytest.mark.usefixtures("invoice")
def test_they_are_their_customers_alone() -> None:
    other = make.customer_key(customer(name="cus_eve"))

    assert status_of(NOTE, other) == 404
    assert get("/v1/credit-notes", other)["results"] == []
    assert status_of(f"{NOTE}?customer_id=cus_abc123", make.service_key()) == 200


def test_they_are_for_keys_that_may_read() -> None:
    assert status_of(NOTE, "unknown") == 401
