"""What became of a payment or a refund at Stripe, in our words. Pure."""

from invoices.payments import Card, PaymentNews, Progress, RefundNews
from invoices.payments.stripe_amounts import from_units
from invoices.payments.stripe_objects import Intent, RefundObject, Session


def session_news(
    session: Session,
    *,
    reference: str,
    progress: Progress | None = None,
    card: Card | None = None,
) -> PaymentNews:
    """Return what a page says of the payment with a reference, or is known to mean."""
    currency = session.currency.upper()
    reached = progress or session.progress
    return PaymentNews(
        reference=reference,
        progress=reached,
        amount=from_units(session.amount_total, currency),
        currency=currency,
        provider_reference=session.intent_id,
        card=card,
        failure=session.failure or "failed" if reached is Progress.FAILED else "",
    )


def intent_news(intent: Intent, *, reference: str, failure: str = "") -> PaymentNews:
    """Return what an unattended charge came to."""
    currency = intent.currency.upper()
    has_failed = intent.progress is Progress.FAILED
    return PaymentNews(
        reference=reference,
        progress=intent.progress,
        amount=from_units(intent.amount, currency),
        currency=currency,
        provider_reference=intent.id,
        failure=failure or intent.failure if has_failed else "",
    )


def refund_news(refund: RefundObject, *, reference: str) -> RefundNews:
    """Return how far a refund got."""
    return RefundNews(
        reference=reference,
        progress=refund.progress,
        provider_reference=refund.id,
        failure=refund.failure,
    )
