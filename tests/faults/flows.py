"""What processes that are to be killed do, as production's web and worker do it."""

import subprocess
import sys
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from billing.models import CreditPack, Customer, User
from billing.services.refusals import roll_up_refusals
from invoices.models import Invoice, Payment, Refund
from invoices.payments import SignedEvent, get_provider
from invoices.payments.simulated import Choice, choose
from invoices.services.asking import settle_payment
from invoices.services.checkout import start_checkout
from invoices.services.leases import lease_refunds
from invoices.services.purchases import Order, place_order
from invoices.services.sending import send_refund
from invoices.services.webhooks import receive_event
from tests.make import NOW
from tests.processes import ROOT, environment

MINUTE = timedelta(minutes=1)
_SCRIPT = """
import django
django.setup()
from tests.faults import flows
flows.{flow}()
"""


def killed_at(failpoint: str, flow: str, **variables: str) -> bool:
    """Do something in a process of its own; tells whether it was killed there."""
    process = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(flow=flow)],
        cwd=ROOT,
        env=environment() | variables | {"TOLLGATE_FAILPOINT": f"{failpoint}:kill"},
        check=False,
        capture_output=True,
        timeout=60,
    )
    return process.returncode == -9


def add_up_refusals() -> None:
    """Add up what waits in Redis."""
    roll_up_refusals(at=NOW)


def order() -> None:
    """Order the only pack, by one key, and go to the page where it is paid."""
    ordered = place_order(
        customer=Customer.objects.get(),
        order=Order(pack=CreditPack.objects.get()),
        key="order-1",
        at=NOW,
    )
    start_checkout(invoice=ordered.invoice, return_url="/", at=NOW)


def pay() -> None:
    """Pay on the page, which nobody hears of yet."""
    choose(reference=Payment.objects.get().reference, choice=Choice.PAY)


def hear() -> None:
    """Hear of the payment by its webhook."""
    payment = Payment.objects.get()
    payload = {"reference": payment.reference, "amount": "50", "currency": "USD"}
    event = SignedEvent("msg_1", "payment.succeeded", payload)
    receive_event(provider=get_provider(), event=event, at=NOW)


def ask() -> None:
    """Ask what became of payments, as is done of those without news."""
    for payment in Payment.objects.all():
        settle_payment(payment_id=payment.pk, at=NOW)


def refund() -> None:
    """Refund 20 of the only purchase in the admin, by one key."""
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.force_login(User.objects.get(username="ada"))
    path = f"/admin/invoices/invoice/{Invoice.objects.get().pk}/refund/"
    form = {"amount": "20", "reason": "not needed", "key": "key-1", "_refund": ""}
    browser.post(path, form)


def send() -> None:
    """Ask for the only refund's money, as the worker does."""
    send_refund(refund_id=Refund.objects.get().pk, at=NOW)


def sweep() -> None:
    """See refunds through that are on their way, as is done every minute."""
    # Whoever had the last one in hand has been killed.
    leased_until = Refund.objects.latest("pk").ask_again_at
    for refund_id in lease_refunds(at=leased_until or timezone.now() + MINUTE):
        send_refund(refund_id=refund_id, at=NOW)
