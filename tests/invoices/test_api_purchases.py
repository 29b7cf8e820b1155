"""`POST /v1/purchases`."""

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from billing.models import CreditPack, Customer
from invoices.models import Invoice, Payment
from invoices.payments import ProviderError
from invoices.payments.simulated import SimulatedProvider
from invoices.services.payments import fail_payment, mark_paid
from tests import make
from tests.http import Answer, buying_key, pointers
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
PATH = "/v1/purchases"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def customer(settings: Settings) -> Customer:
    """Return the customer that buys."""
    settings.BASE_URL = "https://billing.example.org"
    return make.customer()


def post(body: object, *, key: str = "", order: str | None = "order-1") -> Answer:
    headers = {"Authorization": f"Bearer {key or buying_key()}"}
    if order is not None:
        headers["Idempotency-Key"] = order
    response = Client(raise_request_exception=False).post(
        PATH,
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
        headers=headers,
    )
    return cast("Answer", response)


def buy(order: str | None = "order-1", **members: Any) -> Answer:
    """Buy for the customer, as a service key."""
    return post({"customer_id": "cus_abc123"} | members, order=order)


class TestAPurchase:
    def test_of_a_pack_leads_to_its_checkout(self) -> None:
        pack = make.pack(price="200", bonus="10")

        answer = buy(pack=pack.code)

        payment = Payment.objects.get()
        checkout = answer.json()["checkout_url"]
        assert answer.status_code == 201
        assert answer.json() == {
            "invoice": "INV-2026-000001",
            "status": "open",
            "amount_due": "200",
            "currency": "USD",
            "credits": "200",
            "bonus_credits": "10",
            "checkout_url": checkout,
        }
        place = urlsplit(checkout)
        assert place.netloc == "billing.example.org"
        assert place.path == f"/checkout/simulated/{payment.reference}/"
        assert parse_qs(place.query)["return_url"] == [
            f"https://billing.example.org/checkout/back/{payment.reference}/"
        ]

    def test_of_an_amount_grants_it_once_it_is_paid(self, customer: Customer) -> None:
        body = buy(amount="12.50").json()

        assert (body["credits"], body["bonus_credits"]) == ("12.5", "0")
        assert (body["amount_due"], body["status"]) == ("12.5", "open")
        _pay()
        customer.wallet.refresh_from_db()
        assert customer.wallet.balance == Decimal("12.5")

    def test_may_be_a_customers_own(self, customer: Customer) -> None:
        answer = post({"amount": "5"}, key=buying_key(customer))

        assert answer.status_code == 201
        assert Invoice.objects.get().customer == customer

    def test_of_another_customer_is_not_found(self) -> None:
        other = buying_key(make.customer(external_id="cus_other"))

        body = {"customer_id": "cus_abc123", "amount": "5"}
        assert post(body, key=other).status_code == 404
        assert not Invoice.objects.exists()

    def test_needs_the_scope(self, customer: Customer) -> None:
        assert post({"amount": "5"}, key=make.customer_key(customer)).status_code == 403

    def test_by_a_service_key_names_its_customer(self) -> None:
        answer = post({"amount": "5"})

        assert answer.status_code == 400
        assert pointers(answer) == ["#/customer_id"]


class TestTheBody:
    @pytest.mark.parametrize(
        ("members", "field", "status"),
        [
            ({}, "pack", 400),
            ({"pack": "credits-50", "amount": "5"}, "pack", 400),
            ({"pack": "no-such-pack"}, "pack", 422),
            ({"amount": "4.99"}, "amount", 422),
            ({"amount": "10000.01"}, "amount", 422),
            ({"amount": "5.001"}, "amount", 422),
            ({"amount": 5}, "amount", 400),
            ({"amount": "5", "customer_id": 7}, "customer_id", 400),
            ({"pack": 50}, "pack", 400),
            ({"amount": "5", "return_url": 7}, "return_url", 400),
            ({"amount": "-5"}, "amount", 400),
            ({"amount": "NaN"}, "amount", 400),
            ({"amount": "1e1"}, "amount", 400),
            ({"amount": "5", "return_url": "javascript:alert(1)"}, "return_url", 400),
            ({"amount": "5", "return_url": "ftp://example.com/"}, "return_url", 400),
            ({"amount": "5", "return_url": "/portal/"}, "return_url", 400),
            ({"amount": "5", "return_url": "https://a.example/"}, "return_url", 400),
            ({"amount": "5", "coupon": "x"}, "coupon", 400),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, members: dict[str, Any], field: str, status: int
    ) -> None:
        answer = buy(**members)

        assert answer.status_code == status
        assert pointers(answer) == [f"#/{field}"]
        assert not Invoice.objects.exists()

    @pytest.mark.parametrize(
        ("members", "detail"),
        [
            ({"amount": "4.99"}, "Choose an amount from $5.00 to $10,000.00."),
            ({"amount": "5.001"}, "An amount in USD is a multiple of 0.01."),
            ({"amount": "5", "pack": "x"}, "Give either pack or amount."),
        ],
    )
    def test_says_what_would_be_right(
        self, members: dict[str, Any], detail: str
    ) -> None:
        [error] = buy(**members).json()["errors"]

        assert error["detail"] == detail

    @pytest.mark.parametrize("body", ["", "[]", "{", "null"])
    def test_is_an_object(self, body: str) -> None:
        assert post(body).status_code == 400

    def test_names_a_pack_that_is_no_longer_sold(self) -> None:
        pack = make.pack()
        CreditPack.objects.update(is_active=False)

        answer = buy(pack=pack.code)

        assert answer.status_code == 422
        assert pointers(answer) == ["#/pack"]


class TestTheKey:
    @pytest.mark.parametrize(
        "order", [None, "", '""', '"open', "two words", "x" * 256, f'"{"x" * 256}"']
    )
    def test_is_required_and_bounded(self, order: str | None) -> None:
        answer = buy(order, amount="5")

        assert answer.status_code == 400
        assert answer.json()["code"] == "idempotency_key"
        assert not Invoice.objects.exists()

    @pytest.mark.parametrize(
        ("order", "stored"),
        [
            ("a/b:c", "a/b:c"),
            ('"two words"', "two words"),
            (r'"a\"b\\c"', r'a"b\c'),
            ("x" * 255, "x" * 255),
        ],
    )
    def test_is_a_structured_string_or_bare(self, order: str, stored: str) -> None:
        assert buy(order, amount="5").status_code == 201
        assert Invoice.objects.get().order_key == stored

    def test_repeated_is_answered_as_before(self) -> None:
        first = buy("k", amount="5")

        again = buy('"k"', amount="5.00")

        assert again.status_code == 201
        assert again.json() == first.json()
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert Invoice.objects.count() == Payment.objects.count() == 1

    def test_of_another_order_is_refused(self) -> None:
        buy(amount="5")

        answer = buy(amount="6")

        assert answer.status_code == 422
        assert answer.json()["code"] == "idempotency_key_reused"
        assert Invoice.objects.count() == 1

    def test_of_another_customer_is_another_order(self) -> None:
        make.customer(external_id="cus_other")

        buy(amount="5")
        other = buy(amount="6", customer_id="cus_other")

        assert other.status_code == 201
        assert Invoice.objects.count() == 2

    def test_of_an_order_that_is_paid_leads_nowhere(self) -> None:
        buy(amount="5")
        _pay()

        body = buy(amount="5").json()

        assert (body["status"], body["checkout_url"]) == ("paid", None)

    def test_of_an_order_that_was_declined_leads_to_a_new_page(self) -> None:
        first = buy(amount="5").json()["checkout_url"]
        fail_payment(payment=Payment.objects.get(), at=make.NOW)

        assert buy(amount="5").json()["checkout_url"] not in (None, first)
        assert Invoice.objects.count() == 1

    def test_finds_the_same_order_after_the_provider_was_down(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(SimulatedProvider, "start_checkout", _is_down)
            down = buy(amount="5")

        answer = buy(amount="5")

        assert (down.status_code, down.headers["Retry-After"]) == (503, "5")
        assert answer.status_code == 201
        assert Invoice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_order_ten_times_at_once_is_one() -> None:
    key = buying_key()
    body = {"customer_id": "cus_abc123", "amount": "5"}

    answers = run_at_once([partial(post, body, key=key)] * 10)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert Invoice.objects.count() == Payment.objects.count() == 1


def _pay() -> None:
    payment = Payment.objects.get()
    mark_paid(
        invoice=payment.invoice,
        reference=payment.reference,
        amount=payment.amount,
        currency=payment.currency,
        at=make.NOW,
    )


def _is_down(*_: object, **__: object) -> None:
    raise ProviderError
