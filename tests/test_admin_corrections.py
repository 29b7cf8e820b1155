"""How operators take usage back: a preview, a reason, a confirmation."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from billing.models import (
    ApiKey,
    Correction,
    Customer,
    QuarantinedEvent,
    UsageEvent,
)
from billing.periods import period_containing
from ledger.models import Source
from ledger.services import expire_wallet
from tests import make
from tests.admin_pages import read, staff
from tests.invoices.state import final

pytestmark = pytest.mark.django_db
AMENDED = {
    "key": "req_1b",
    "properties": '{"model": "text-gen-v3", "input_tokens": 0.5}',
    "reason": "miscounted",
}


@pytest.fixture
def customer() -> Customer:
    """Return a customer with a call paid from two lots."""
    made = make.customer()
    make.lot(made.wallet, "0.01", source=Source.PROMOTION)
    make.lot(made.wallet, "50")
    make.record(make.event())
    return made


def url(page: str, *, model: type[UsageEvent | QuarantinedEvent] = UsageEvent) -> str:
    row = model._default_manager.earliest("pk")
    return f"/admin/billing/{model._meta.model_name}/{row.pk}/{page}/"


@pytest.mark.usefixtures("customer")
class TestVoid:
    def test_is_offered_on_the_calls_page(self, operator: Client) -> None:
        page = read(operator, url("change"))

        assert f'href="{url("void")}"' in page
        assert f'href="{url("amend")}"' in page

    def test_shows_first_what_would_come_back(self, operator: Client) -> None:
        page = read(operator, url("void"))

        assert "$0.014232 would come back to Example Labs" in page
        assert "+0.004232 to Purchase" in page
        assert page.index("+0.004232") < page.index("+0.01 to Promotion")
        assert "is not invoiced yet" in page
        assert not Correction.objects.exists()

    def test_says_that_an_invoice_stays_as_it_was(
        self, operator: Client, customer: Customer
    ) -> None:
        final(customer)

        page = read(operator, url("void"))

        assert "is invoiced and stays as it was" in page
        assert "INV-2026-000001, line 1" in page

    def test_names_the_months_as_the_customer_has_them(self, operator: Client) -> None:
        other = make.customer(
            external_id="cus_berlin", credits="1", time_zone="Europe/Berlin"
        )
        make.record(make.event("old", customer="cus_berlin"))
        event = UsageEvent.objects.get(idempotency_key="old")
        path = f"/admin/billing/usageevent/{event.pk}/void/"

        assert "November 2026</time> is not invoiced yet" in read(operator, path)
        final(other, period_containing(make.NOW, other.zone))
        page = read(operator, path)

        assert "November 2026</time> is invoiced and stays as it was" in page
        assert "December 2026</time> takes it back" in page

    def test_says_that_credits_will_expire_at_once(self, operator: Client) -> None:
        other = make.customer(external_id="cus_other")
        make.lot(other.wallet, "1", expires_at=make.NOW + timedelta(days=1))
        make.record(make.event("old", customer="cus_other"))
        later = make.NOW + timedelta(days=1)
        expire_wallet(wallet_id=other.wallet_id, expired_before=later, actor="sweep")
        event = UsageEvent.objects.get(idempotency_key="old")

        page = read(operator, f"/admin/billing/usageevent/{event.pk}/void/")

        assert "which has expired" in page

    def test_is_done_when_confirmed(self, operator: Client, customer: Customer) -> None:
        response = operator.post(url("void"), {"reason": "posted twice"}, follow=True)

        page = response.content.decode()
        made = Correction.objects.get()
        assert (made.kind, made.reason, made.actor) == (
            "void",
            "posted twice",
            "operator",
        )
        assert "Void of event" in page
        assert "Taken back: 412" in page
        assert f'href="{url("void")}"' not in page
        customer.wallet.refresh_from_db()
        assert customer.wallet.balance == Decimal("50.01")

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_wants_a_reason(self, operator: Client, reason: str) -> None:
        response = operator.post(url("void"), {"reason": reason})

        assert "This field is required." in response.content.decode()
        assert not Correction.objects.exists()

    def test_says_what_stands_in_its_way(
        self, operator: Client, customer: Customer
    ) -> None:
        make.amend(customer)

        response = operator.post(url("void"), {"reason": "posted twice"})

        assert "was replaced by another event" in response.content.decode()


@pytest.mark.usefixtures("customer")
class TestAmend:
    def test_begins_with_what_was_posted(self, operator: Client) -> None:
        page = read(operator, url("amend"))

        assert "&quot;latency_ms&quot;: 2847" in page

    def test_puts_another_event_in_its_place(self, operator: Client) -> None:
        page = operator.post(url("amend"), AMENDED, follow=True).content.decode()

        second = UsageEvent.objects.get(idempotency_key="req_1b")
        assert second.amount == Decimal("0.0000015")
        assert "req_1b stands instead." in page

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"properties": "[]"}, "Expected `object`"),
            ({"properties": "{"}, "truncated"),
            ({"properties": '{"model": "unheard-of"}'}, "unheard-of"),
            ({"key": "req_1"}, "recorded before"),
            ({"key": ""}, "This field is required."),
        ],
    )
    def test_says_what_is_wrong(
        self, operator: Client, change: dict[str, str], problem: str
    ) -> None:
        response = operator.post(url("amend"), AMENDED | change)

        assert problem in response.content.decode()
        assert not Correction.objects.exists()


@pytest.mark.usefixtures("customer")
class TestWhoMay:
    def test_nobody_without_the_permission(self) -> None:
        clerk = staff("clerk", "view_usageevent")

        assert clerk.post(url("void"), {"reason": "x"}).status_code == 403
        assert clerk.get(url("amend")).status_code == 403
        assert url("void") not in read(clerk, url("change"))

    def test_who_may_add_corrections(self) -> None:
        clerk = staff("clerk", "view_usageevent", "add_correction")

        clerk.post(url("void"), {"reason": "posted twice"})

        assert Correction.objects.get().actor == "clerk"

    def test_nobody_changes_one(self, operator: Client, customer: Customer) -> None:
        made = make.void(customer).correction

        for page in ("change", "delete"):
            path = f"/admin/billing/correction/{made.pk}/{page}/"
            assert operator.post(path, {"reason": "x"}).status_code == 403


class TestQuarantine:
    def test_an_event_is_voided_there(self, operator: Client) -> None:
        make.customer(credits="50")
        make.record(make.event(model="unheard-of"))
        path = url("void", model=QuarantinedEvent)

        assert "was never priced" in read(operator, path)
        operator.post(path, {"reason": "a test"})

        assert QuarantinedEvent.objects.get().resolved_at

    def test_an_unknown_one_is_not_found(self, operator: Client) -> None:
        path = "/admin/billing/quarantinedevent/7/"

        assert operator.get(f"{path}void/").status_code == 404
        assert operator.get(f"{path}change/").status_code == 302


def test_a_customers_key_is_not_given_the_scope(
    operator: Client, customer: Customer
) -> None:
    form = {"name": "app", "scopes": ["events:correct"], "customer": customer.pk}

    page = operator.post("/admin/billing/apikey/add/", form).content.decode()

    assert "Only for keys without a customer: events:correct." in page
    assert not ApiKey.objects.exists()
