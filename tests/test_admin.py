"""Every model's pages in the admin, found by asking the admin which it has."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import (
    CreditPack,
    Customer,
    Plan,
    RateCard,
    Terms,
    UsageEvent,
)
from billing.queries.admission import Call
from billing.queries.callers import get_caller
from billing.services.admission import as_ask
from billing.services.events import StreamPart
from billing.services.leases import take_lease
from billing.services.metering import record_events
from billing.services.outage import hold_call
from billing.services.refusals import roll_up_refusals
from invoices.models import DisputeStatus, EventRetry, Invoice
from invoices.payments import SignedEvent, get_provider
from invoices.services.payments import start_payment
from invoices.services.purchases import buy_pack
from invoices.services.webhooks import receive_event
from ledger.admin import HistoryAdmin, ReadOnlyAdmin
from ledger.models import Wallet
from tests import make
from tests.billing.alerting import alert, call
from tests.billing.backtesting import backtest_on, draft
from tests.billing.capping import cap, named_key
from tests.billing.limiting import refuse
from tests.billing.test_stored_prices import EVERYTHING
from tests.billing.volume import true_up_a_month
from tests.invoices.refunding import bank_says, bought, refund, send
from tests.invoices.state import final, use
from tests.invoices.topping_up import topped_up
from tests.make import NOW

APPS = ("ledger", "ratelimits", "billing", "invoices")
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
HISTORY = [
    model for model in MODELS if isinstance(admin.site._registry[model], HistoryAdmin)
]
# History that people add to, and nobody changes.
ADDED_BY_HAND = {Terms}
every_model = pytest.mark.parametrize("model", MODELS, ids=str)

Model = type[models.Model]


@pytest.fixture
def history() -> Customer:
    """Return a customer, in a database with a row of every model."""
    customer = make.customer(credits="10")
    make.member(customer)
    key = named_key(customer)
    cap(customer, api_key=key)
    own = make.rate_card(EVERYTHING)
    make.terms(customer, card=own, effective_from=NOW + timedelta(days=1))
    Group.objects.create(name="support")
    use(
        make.event(api_key=key.prefix),
        make.event("req_2", stream=StreamPart(0, is_final=False)),
    )
    record_events(events=[make.event("req_3", model="unheard-of")], received_at=NOW)
    final(customer)
    make.amend(customer)
    _buy(customer)
    _run_low()
    _return(customer)
    _backtest(customer)
    true_up_a_month()
    _admit(customer)
    refuse(customer, "requests")
    roll_up_refusals(at=NOW)
    return customer


def _buy(customer: Customer) -> None:
    invoice = buy_pack(customer=customer, pack=make.pack(), at=NOW)
    payment = start_payment(invoice=invoice, at=NOW)
    payload = {
        "reference": payment.reference,
        "amount": "50",
        "currency": "USD",
    }
    event = SignedEvent("evt_1", "payment.succeeded", payload)
    told = receive_event(provider=get_provider(), event=event, at=NOW)
    EventRetry.objects.create(event=told, retry_at=NOW)


def _run_low() -> None:
    other = topped_up(external_id="cus_low")
    alert(other, "8")
    make.record(call("low", customer="cus_low"))


def _return(customer: Customer) -> None:
    invoice = bought(by=customer)
    send(refund(invoice, "20"))
    bank_says(invoice, DisputeStatus.OPEN)


def _admit(customer: Customer) -> None:
    """Hold a call outside the gate, and lease the gate something."""
    caller = get_caller(customer.external_id)
    call = Call(request_id="req_9", model="text-gen-v3")
    ask = as_ask(caller, call, Decimal(1), at=NOW)
    hold_call(caller=caller, call=call, ask=ask, refused=[], at=NOW)
    take_lease(caller=caller, generation=None, need=Decimal(1), at=NOW)


def _backtest(customer: Customer) -> None:
    text = make.SEED_CARD.replace("text-gen-v3", "unheard-of")
    backtest_on(draft(customer.plan.rate_card, f"{make.SEED_CARD}---\n{text}"))


def _url(model: Model, page: str, *args: object) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=args)


def test_every_model_is_registered() -> None:
    known = {model for app in APPS for model in apps.get_app_config(app).get_models()}

    assert known <= set(MODELS)


@pytest.mark.django_db
@pytest.mark.usefixtures("history")
class TestEveryModel:
    @every_model
    def test_survives_any_search(self, operator: Client, model: Model) -> None:
        response = operator.get(_url(model, "changelist"), {"q": "no such 'thing'"})

        assert response.status_code == 200

    @every_model
    def test_has_a_page_for_each_row(self, operator: Client, model: Model) -> None:
        row = model._default_manager.first()

        assert row is not None
        assert operator.get(_url(model, "change", row.pk)).status_code == 200

    @every_model
    def test_has_a_form_where_rows_may_be_added(
        self, operator: Client, model: Model
    ) -> None:
        response = operator.get(_url(model, "add"))

        is_read_only = isinstance(admin.site._registry[model], ReadOnlyAdmin)
        is_read_only &= model not in ADDED_BY_HAND
        assert response.status_code == (403 if is_read_only else 200)

    @every_model
    def test_costs_no_more_queries_with_more_rows(
        self, operator: Client, model: Model
    ) -> None:
        assert operator.get(_url(model, "changelist")).status_code == 200
        with CaptureQueriesContext(connection) as few:
            operator.get(_url(model, "changelist"))
        other = make.customer(external_id="cus_other", credits="5")
        make.customer_key(other)
        use(make.event("req_9", customer="cus_other"))
        with CaptureQueriesContext(connection) as many:
            operator.get(_url(model, "changelist"))

        assert len(many) == len(few)

    @pytest.mark.parametrize("model", HISTORY, ids=str)
    def test_never_counts_what_grows_with_calls(
        self, operator: Client, model: Model
    ) -> None:
        with CaptureQueriesContext(connection) as queries:
            operator.get(_url(model, "changelist"))

        assert [sql for sql in queries if "COUNT(" in sql["sql"]] == []


@pytest.mark.django_db
class TestHistory:
    @pytest.mark.parametrize("page", ["change", "delete"])
    def test_cannot_be_changed(
        self, operator: Client, history: Customer, page: str
    ) -> None:
        url = _url(type(history.wallet), page, history.wallet.pk)

        assert operator.post(url, {"balance": "1000"}).status_code == 403

    @pytest.mark.usefixtures("history")
    def test_a_call_is_found_by_its_key(self, operator: Client) -> None:
        page = operator.get("/admin/billing/usageevent/", {"q": "req_1"})
        other = operator.get("/admin/billing/usageevent/", {"q": "req_unknown"})

        assert "req_1" in page.content.decode()
        assert ">req_1<" not in other.content.decode()

    @pytest.mark.usefixtures("history")
    def test_a_call_shows_its_arithmetic_and_its_entries(
        self, operator: Client
    ) -> None:
        response = operator.get(
            f"/admin/billing/usageevent/{UsageEvent.objects.earliest('pk').pk}/change/"
        )

        page = response.content.decode()
        assert "412 input_tokens at $0.003 per 1,000 tokens = $0.001236." in page
        assert "1,083 output_tokens at $0.012 per 1,000 tokens = $0.012996." in page
        assert "usage -0.014232" in page


@pytest.mark.django_db
class TestWhatIsReferredTo:
    @pytest.mark.parametrize("model", [CreditPack, Customer, Plan, RateCard], ids=str)
    @pytest.mark.usefixtures("history")
    def test_is_not_deleted(self, operator: Client, model: Model) -> None:
        row = model._default_manager.first()

        assert row is not None
        assert operator.post(_url(model, "delete", row.pk)).status_code == 403

    @pytest.mark.parametrize("model", [CreditPack, Plan, Wallet, Invoice], ids=str)
    @pytest.mark.usefixtures("history")
    def test_has_no_idle_zeros(self, operator: Client, model: Model) -> None:
        row = model._default_manager.first()

        assert row is not None
        page = operator.get(_url(model, "change", row.pk)).content.decode()
        assert ".000" not in page


@pytest.mark.django_db
def test_only_the_admin_may_evaluate_scripts(operator: Client) -> None:
    def policy(url: str) -> str:
        return operator.get(url)["Content-Security-Policy"]

    assert "unsafe-eval" in policy("/admin/")
    assert "unsafe" not in policy("/healthz")
