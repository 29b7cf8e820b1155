"""Finding a payment by what its provider calls it. Nothing here writes."""

from invoices.models import Dispute, DisputeStatus, Payment, PaymentStatus
from invoices.payments.simulated import Choice


def get_payment(*, provider: str, reference: str) -> Payment:
    """Return a payment with its invoice.

    :raises Payment.DoesNotExist: if the provider has none of this reference.
    """
    payments = Payment.objects.select_related("invoice__customer")
    return payments.get(provider=provider, reference=reference)


def get_begun_payment(*, reference: str) -> Payment:
    """Return a payment by our name for it, whoever takes it.

    :raises Payment.DoesNotExist: if none was begun.
    """
    return Payment.objects.select_related("invoice").get(reference=reference)


def list_choices(*, payment: Payment) -> tuple[Choice, ...]:
    """Return what may happen to a simulated payment next.

    Pressing a button again before the webhook is here does no harm: the same choice is
    the same event.
    """
    if payment.status != PaymentStatus.SUCCEEDED:
        return (Choice.PAY, Choice.DECLINE)
    dispute = find_dispute(payment=payment)
    if dispute is None:
        return (Choice.PAY, Choice.DISPUTE)
    is_open = dispute.status == DisputeStatus.OPEN
    return (Choice.WIN, Choice.LOSE) if is_open else ()


def find_dispute(*, payment: Payment) -> Dispute | None:
    """Return the dispute of a payment, of which a simulated one has at most one."""
    return payment.disputes.order_by("pk").first()
