"""What invoices do in the background. Each task is safe to run twice, or late."""

import logging
from datetime import timedelta
from typing import Any

import requests
from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.utils import timezone

from invoices.payments import ProviderError, simulated
from invoices.queries.orders import list_stale_orders
from invoices.queries.refunds import list_refunds_under_way
from invoices.queries.top_ups import (
    list_charges_left_alone,
    list_customers_to_top_up,
    list_silent_payments,
)
from invoices.queries.waiting import list_customers_to_invoice
from invoices.services import asking, orders, runs, sending, top_up_runs

logger = logging.getLogger(__name__)
_AGE = timedelta(minutes=1)


@shared_task
def run_invoices(**_: Any) -> None:
    """Queue one job for each customer with a period that has ended."""
    for customer_id in list_customers_to_invoice(at=timezone.now()):
        invoice_customer.delay(customer_id=customer_id)


@shared_task
def invoice_customer(*, customer_id: int, **_: Any) -> None:
    """Draft or finalize one customer's invoices."""
    runs.invoice_customer(customer_id=customer_id, at=timezone.now())


@shared_task(
    base=DjangoTask,
    autoretry_for=(requests.RequestException,),
    retry_backoff=5,
    max_retries=10,
)
def deliver_simulated_webhook(*, reference: str, choice: str, **_: Any) -> None:
    """Post what a person chose on the simulated checkout, until it is taken."""
    chosen = simulated.Choice(choice)
    simulated.deliver(reference=reference, choice=chosen, at=timezone.now())


@shared_task
def run_top_ups(**_: Any) -> None:
    """Queue one job for each customer whose credits ran low, and each charge left."""
    now = timezone.now()
    for customer_id in list_customers_to_top_up(at=now):
        top_up_customer.delay(customer_id=customer_id)
    for payment_id in list_charges_left_alone(at=now):
        settle_payment.delay(payment_id=payment_id)


@shared_task
def top_up_customer(*, customer_id: int, **_: Any) -> None:
    """Begin one customer's purchase, if it is still called for, and charge its card."""
    payment = top_up_runs.start_top_up(customer_id=customer_id, at=timezone.now())
    if payment:
        settle_payment.delay(payment_id=payment.pk)


@shared_task
def sweep_payments(**_: Any) -> None:
    """Queue one job for each payment that nobody has told the end of for too long."""
    for payment_id in list_silent_payments(at=timezone.now()):
        settle_payment.delay(payment_id=payment_id)


@shared_task
def sweep_orders(**_: Any) -> None:
    """Queue one job for each purchase that nobody has paid for in days."""
    for invoice_id in list_stale_orders(at=timezone.now()):
        void_order.delay(invoice_id=invoice_id)


@shared_task
def void_order(*, invoice_id: int, **_: Any) -> None:
    """Void one purchase, if it is still left."""
    orders.void_stale_order(invoice_id=invoice_id, at=timezone.now())


@shared_task
def settle_payment(*, payment_id: int, **_: Any) -> None:
    """Charge a kept card, or ask what became of a page, and act on the answer."""
    try:
        asking.settle_payment(payment_id=payment_id, at=timezone.now())
    except ProviderError:
        # The next sweep asks again.
        logger.warning("Payment %s is not known at its provider yet", payment_id)


# Without an answer it is taken up by the sweep, which is no error.
@shared_task(base=DjangoTask, throws=(ProviderError,))
def send_refund(*, refund_id: int, **_: Any) -> None:
    """Ask the provider for a refund's money, and record its answer."""
    sending.send_refund(refund_id=refund_id, at=timezone.now())


@shared_task
def sweep_refunds(**_: Any) -> None:
    """Queue one job for each refund that has been on its way for a minute."""
    for refund_id in list_refunds_under_way(before=timezone.now() - _AGE):
        send_refund.delay(refund_id=refund_id)
