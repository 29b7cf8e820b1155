"""What invoices do in the background. Each task is safe to run twice, or late."""

from typing import Any

import requests
from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.utils import timezone

from invoices.payments import simulated
from invoices.queries.waiting import list_customers_to_invoice
from invoices.services import runs


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
