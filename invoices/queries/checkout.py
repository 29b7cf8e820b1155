"""Finding a payment by what its provider calls it. Nothing here writes."""

from invoices.models import Payment


def get_payment(*, provider: str, reference: str) -> Payment:
    """Return a payment with its invoice.

    :raises Payment.DoesNotExist: if the provider has none of this reference.
    """
    payments = Payment.objects.select_related("invoice__customer")
    return payments.get(provider=provider, reference=reference)
