"""A gateway's month past its customer's last credit: admitted, billed and paid."""

from typing import Any

import msgspec
import pytest
import time_machine
from django.conf import settings
from django.test import Client

from billing.models import Customer
from billing.models.plans import AtZero, Mode
from config.verification import verify_all
from invoices.models import Payment
from invoices.payments.standard_webhooks import sign
from invoices.tasks import run_invoices
from tests import make
from tests.billing import dollars
from tests.http import admit, event, get, post, release
from tests.invoices.state import MONTH_END

pytestmark = [pytest.mark.django_db, pytest.mark.story]
BALANCE = "/v1/customers/cus_abc123/balance"


def ask(tokens: int) -> tuple[int, str | None]:
    """Return how a call is answered, and which limit or warning is named."""
    request_id = f"ask_{make.unique()}"
    call = {
        "customer_id": "cus_abc123",
        "request_id": request_id,
        "model": dollars.MODEL,
        "input_tokens": 0,
        "max_output_tokens": tokens,
    }
    answer = admit(call)
    release(request_id)
    told = answer.json()
    return answer.status_code, told.get("limit_source") or told["warning"]


def use(tokens: int, key: str = "req_1") -> dict[str, Any]:
    properties = {"model": dollars.MODEL, "output_tokens": tokens}
    answer: dict[str, Any] = post(event(key, properties=properties)).json()
    return answer


def standing() -> tuple[str, str, str, str | None]:
    told = get(BALANCE).json()
    return told["available"], told["overdraft"], told["spendable"], told["warning"]


def invoice() -> dict[str, Any]:
    [only] = get("/v1/invoices?customer_id=cus_abc123").json()["results"]
    told: dict[str, Any] = only
    return told


def pay(customer: Customer) -> None:
    """Press the button in the portal, and deliver what the provider then says."""
    browser = Client()
    browser.force_login(make.member(customer))
    browser.post(f"/portal/invoices/{invoice()['number']}/pay/")
    payment = Payment.objects.get()
    data = {
        "reference": payment.reference,
        "amount": str(payment.amount),
        "currency": payment.currency,
    }
    message = {"type": "payment.succeeded", "timestamp": "2026-12-01T02:00:00Z"}
    body = msgspec.json.encode(message | {"data": data})
    secret = settings.SIMULATED_WEBHOOK_SECRET
    headers = sign(secret=secret, message_id="msg_1", body=body, at=MONTH_END)
    Client().post("/webhooks/simulated/", body, "application/json", headers=headers)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("mode", "at_zero", "credits", "used"),
    [
        (Mode.HYBRID, AtZero.BLOCK, "5", 12),
        (Mode.PREPAID, AtZero.OVERAGE, "5", 12),
        (Mode.POSTPAID, AtZero.BLOCK, "0", 7),
    ],
)
def test_what_credits_did_not_cover_is_billed_and_paid(
    mode: Mode, at_zero: AtZero, credits: str, used: int
) -> None:
    customer = dollars.customer(mode, at_zero, credits=credits)

    with time_machine.travel(make.NOW, tick=False):
        assert ask(used) == (200, "overage")
        assert use(used)["balance"] == "-7"
        assert standing() == ("-7", "7", "13", "overage")
        assert ask(13) == (200, "overage")
        assert ask(14) == (402, "credit_limit")
    with time_machine.travel(MONTH_END, tick=False):
        run_invoices()
        billed = invoice()
        # What is billed counts against the limit until it is paid.
        assert ask(14) == (402, "credit_limit")
        pay(customer)

        assert (billed["total"], billed["credits_applied"]) == (str(used), credits)
        assert (billed["status"], billed["amount_due"]) == ("open", "7")
        assert (invoice()["status"], invoice()["amount_paid"]) == ("paid", "7")
        assert standing() == ("0", "0", "20", None)
        assert ask(20) == (200, "overage")
    assert [each for each in verify_all() if each.differences] == []


@pytest.mark.usefixtures("worker")
def test_what_a_prepaid_plan_did_not_cover_waits_for_a_pack() -> None:
    customer = dollars.customer(at_zero=AtZero.WARN)

    with time_machine.travel(make.NOW, tick=False):
        assert ask(12) == (200, "credits_exhausted")
        assert use(12)["warning"] == "credits_exhausted"
    with time_machine.travel(MONTH_END, tick=False):
        run_invoices()
        assert (invoice()["amount_due"], invoice()["carried_over"]) == ("0", "7")
        make.lot(customer.wallet, "50")

        assert standing() == ("43", "0", "43", None)
    assert [each for each in verify_all() if each.differences] == []
