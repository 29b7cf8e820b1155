from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Customer
from billing.services.customers import EVENTS_WRITE, issue_api_key
from invoices.services.purchases import buy_pack
from tests import make
from tests.invoices.state import MONTH_END, draft, final, use

DAYS = "/v1/invoices/INV-2026-000001/lines/1/days"
PATHS = [
    "/v1/invoices/INV-2026-000001",
    "/v1/invoices/INV-2026-000001/lines",
    DAYS,
    f"{DAYS}/2026-11-15/calls",
    "/v1/events/req_1",
]


@pytest.fixture
def customer() -> Customer:
    made = make.customer(credits="50")
    use(make.event())
    final(made)
    return made


def get(path: str, key: str) -> Any:
    response = Client().get(path, headers={"Authorization": f"Bearer {key}"})
    assert response.status_code == 200, response.content
    return response.json()


def status_of(path: str, key: str) -> int:
    response = Client().get(path, headers={"Authorization": f"Bearer {key}"})
    return response.status_code


@pytest.mark.django_db
class TestInvoices:
    def test_are_listed_newest_first_by_cursor(self, customer: Customer) -> None:
        buy_pack(customer=customer, pack=make.pack(), at=MONTH_END)
        key = make.customer_key(customer)

        first = get("/v1/invoices?page_size=1", key)
        second = get(first["next"], key)

        numbers = [page["results"][0]["number"] for page in (first, second)]
        assert numbers == ["INV-2026-000002", "INV-2026-000001"]
        assert second["next"] is None

    def test_have_decimal_text_and_utc_times(self, customer: Customer) -> None:
        invoice = get("/v1/invoices/INV-2026-000001", make.customer_key(customer))

        assert invoice == {
            "number": "INV-2026-000001",
            "kind": "usage",
            "status": "paid",
            "currency": "USD",
            "period_start": "2026-11-01T00:00:00Z",
            "period_end": "2026-12-01T00:00:00Z",
            "pack": None,
            "total": "0.01",
            "credits_applied": "0.01",
            "carried_over": "0",
            "amount_due": "0",
            "amount_paid": "0",
            "amount_refunded": "0",
            "amount_disputed": "0",
            "finalized_at": "2026-12-01T02:00:00Z",
            "paid_at": "2026-12-01T02:00:00Z",
        }

    def test_of_a_pack_name_it(self, customer: Customer) -> None:
        pack = make.pack()
        buy_pack(customer=customer, pack=pack, at=MONTH_END)

        invoice = get("/v1/invoices/INV-2026-000002", make.customer_key(customer))

        assert (invoice["pack"], invoice["period_start"]) == (pack.code, None)

    def test_that_are_drafts_are_not_shown(self) -> None:
        drafted = make.customer(credits="50")
        use(make.event())
        draft(drafted)

        assert get("/v1/invoices", make.customer_key(drafted))["results"] == []


@pytest.mark.django_db
class TestDrillDown:
    def test_lines_name_what_priced_them(self, customer: Customer) -> None:
        key = make.customer_key(customer)

        line, _ = get("/v1/invoices/INV-2026-000001/lines", key)["results"]

        assert (line["position"], line["calls"], line["quantity"]) == (1, 1, "412")
        assert (line["exact_amount"], line["amount"]) == ("0.001236", "0")
        assert line["rate"]["price"] == "0.003"
        assert line["rate"]["version"] == 1
        assert line["band"]["max_tokens"] == 8192
        assert (line["tier"], line["discount"], line["corrects"]) == (None, "1", None)
        assert (line["rate"]["when"], line["rate"]["tiers"]) == ({}, [])

    def test_days_have_their_sums(self, customer: Customer) -> None:
        assert get(DAYS, make.customer_key(customer))["results"] == [
            {"day": "2026-11-15", "calls": 1, "quantity": "412", "amount": "0.001236"}
        ]

    def test_calls_have_their_keys_and_arithmetic(self, customer: Customer) -> None:
        place = ("INV-2026-000001", 1, make.NOW.date())
        path = reverse("invoice-line-calls", args=place)

        page = get(path, make.customer_key(customer))

        [call] = page["results"]
        assert (page["day"]["amount"], page["next_after"]) == ("0.001236", None)
        assert (call["idempotency_key"], call["amount"]) == ("req_1", "0.001236")
        assert call["occurred_at"] == "2026-11-15T12:00:00Z"
        assert call["explanation"].endswith("= $0.001236.")

    def test_refuses_a_place_that_is_no_number(self, customer: Customer) -> None:
        key = make.customer_key(customer)

        assert status_of(f"{DAYS}/2026-11-15/calls?after=x", key) == 400
        assert status_of(f"{DAYS}/2026-11-15/calls?after=999", key) == 404
        assert status_of(f"{DAYS}/2026-11-31/calls", key) == 404


@pytest.mark.django_db
class TestEvent:
    def test_has_arithmetic_lots_and_invoice_lines(self, customer: Customer) -> None:
        call = get("/v1/events/req_1", make.customer_key(customer))

        first, second = call["charges"]
        [entry] = call["entries"]
        assert (call["amount"], call["version"]) == ("0.014232", 1)
        assert call["properties"]["latency_ms"] == 2847
        assert (first["band"]["max_tokens"], second["amount"]) == (8192, "0.012996")
        assert first["invoice_line"]["invoice"] == "INV-2026-000001"
        assert second["invoice_line"]["position"] == 2
        assert (entry["amount"], entry["lot"]["source"]) == ("-0.014232", "purchase")

    def test_has_no_invoice_line_yet(self, customer: Customer) -> None:
        use(make.event("next", occurred_at=MONTH_END), received_at=MONTH_END)

        call = get("/v1/events/next", make.customer_key(customer))

        assert [charge["invoice_line"] for charge in call["charges"]] == [None, None]

    @pytest.mark.parametrize("name", ["a/b//c", "50% & more?", "é#\n", "lines"])
    def test_is_found_by_any_key(self, name: str) -> None:
        customer = make.customer(credits="50")
        use(make.event(name))
        path = reverse("event", kwargs={"key": name})

        call = get(path, make.customer_key(customer))

        assert call["idempotency_key"] == name


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
class TestWhoMaySeeWhat:
    def test_a_customer_its_own(self, customer: Customer, path: str) -> None:
        assert status_of(path, make.customer_key(customer)) == 200

    def test_nobody_anothers(self, customer: Customer, path: str) -> None:
        other = make.customer_key(make.customer(external_id="cus_other"))

        assert status_of(path, other) == 404
        assert status_of(f"{path}?customer_id={customer.external_id}", other) == 404

    @pytest.mark.usefixtures("customer")
    def test_a_service_key_whom_it_names(self, path: str) -> None:
        key = make.service_key()

        assert status_of(f"{path}?customer_id=cus_abc123", key) == 200
        assert status_of(f"{path}?customer_id=cus_nobody", key) == 404

    @pytest.mark.usefixtures("customer")
    @pytest.mark.parametrize("query", ["", "?customer_id="])
    def test_a_service_key_must_name_one(self, path: str, query: str) -> None:
        headers = {"Authorization": f"Bearer {make.service_key()}"}

        answer = Client().get(f"{path}{query}", headers=headers)

        assert answer.status_code == 400
        [problem] = answer.json()["errors"]
        assert problem["pointer"] == "#/customer_id"

    def test_no_key_without_the_scope(self, customer: Customer, path: str) -> None:
        issued = issue_api_key(name="app", scopes=[EVENTS_WRITE], customer=customer)

        assert status_of(path, issued.secret) == 403

    def test_nobody_without_a_key(self, path: str) -> None:
        assert Client().get(path).status_code == 401
