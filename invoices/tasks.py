"""What invoices do in the background. Each task is safe to run twice, or late."""

import logging
from typing import Any

import requests
from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.utils import timezone

from invoices.payments import ProviderError, RefusedError, WebhookError, simulated
from invoices.queries.orders import list_stale_orders
from invoices.queries.top_ups import list_customers_to_top_up
from invoices.queries.waiting import list_customers_to_invoice
from invoices.services import (
    asking,
    leases,
    orders,
    runs,
    sending,
    top_up_runs,
    webhooks,
)
from invoices.services.payments import PaymentRefusedError

logger = logging.getLogger(__name__)


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
    """Queue one job for each customer whose credits ran low."""
    for customer_id in list_customers_to_top_up(at=timezone.now()):
        top_up_customer.delay(customer_id=customer_id)


@shared_task
def top_up_customer(*, customer_id: int, **_: Any) -> None:
    """Begin one customer's purchase, if it is still called for, and charge its card."""
    payment = top_up_runs.start_top_up(customer_id=customer_id, at=timezone.now())
    if payment:
        settle_payment.delay(payment_id=payment.pk)


@shared_task
def sweep_payments(**_: Any) -> None:
    """Queue one job for each payment that nobody has told the end of for too long."""
    for payment_id in leases.lease_payments(at=timezone.now()):
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
    except RefusedError:
        logger.exception("Payment %s is refused by its provider", payment_id)
    except ProviderError:
        # It is asked again, later each time.
        logger.warning("Payment %s is not known at its provider yet", payment_id)


# Without an answer it is taken up by the sweep, which is no error.
@shared_task(base=DjangoTask, throws=(ProviderError,))
def send_refund(*, refund_id: int, **_: Any) -> None:
    """Ask the provider for a refund's money, and record its answer."""
    try:
        sending.send_refund(refund_id=refund_id, at=timezone.now())
    except RefusedError:
        logger.exception("Refund %s is refused by its provider", refund_id)


@shared_task
def sweep_events(**_: Any) -> None:
    """Queue one job for each provider's event that nobody has acted on for too long."""
    for event_id in webhooks.lease_events(at=timezone.now()):
        handle_event.delay(event_id=event_id)


@shared_task
def handle_event(*, event_id: int, **_: Any) -> None:
    """Act on an event of a provider that was stored, unless that was done."""
    try:
        webhooks.handle_event(event_id=event_id, at=timezone.now())
    except (PaymentRefusedError, WebhookError, ProviderError):
        logger.exception("Event %s of a provider is still refused", event_id)


@shared_task
def sweep_refunds(**_: Any) -> None:
    """Queue one job for each refund that nobody has ended for too long."""
    for refund_id in leases.lease_refunds(at=timezone.now()):
        send_refund.delay(refund_id=refund_id)
