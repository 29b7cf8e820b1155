"""What Stripe's objects say, as far as it is read here. Pure.

Amounts are in the smallest units of their currency, whose code is in small letters.
"""

from typing import Any, TypeVar

import msgspec

from invoices.models import DisputeStatus
from invoices.payments import Card, Progress

PAID = "paid"
_BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
_INTENTS = {"succeeded": Progress.SUCCEEDED, "processing": Progress.PENDING}
_WITHOUT_DECLINE = {"requires_action": "authentication_required"}
# What ends a payment while its page is open, and once it was gone through.
_ENDS_ON_A_PAGE = ("canceled",)
_ENDS_BEHIND = ("canceled", "requires_payment_method")
_REFUNDS = {
    "succeeded": Progress.SUCCEEDED,
    "failed": Progress.FAILED,
    "canceled": Progress.FAILED,
}
# An inquiry (`warning_…`) moves no money, so it opens nothing; it may be closed. An
# appeal changes nothing before it is won.
_DISPUTES = {
    "needs_response": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "warning_closed": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}

Read = TypeVar("Read", bound=msgspec.Struct)


class Labels(msgspec.Struct):
    """What tells whether an object of a Stripe account is ours."""

    client_reference_id: str | None = None
    metadata: dict[str, str] | None = None

    @property
    def payment(self) -> str:
        """Our reference of a payment, if it says one."""
        return (self.metadata or {}).get("payment", "")

    @property
    def refund(self) -> str:
        """Our reference of a refund, if it says one."""
        return (self.metadata or {}).get("refund", "")


class CardDetails(msgspec.Struct):
    """What may be shown of a card."""

    brand: str
    last4: str


class Method(msgspec.Struct):
    """A way to pay that is kept at Stripe."""

    id: str
    type: str
    card: CardDetails | None = None

    @property
    def label(self) -> str:
        """What its holder calls it: Visa ending in 4242."""
        if self.card is None:
            return self.type.replace("_", " ").capitalize()
        brand = _BRANDS.get(self.card.brand, self.card.brand.capitalize())
        return f"{brand} ending in {self.card.last4}"


class Decline(msgspec.Struct):
    """Why a try to pay came to nothing."""

    code: str | None = None
    decline_code: str | None = None

    @property
    def reason(self) -> str:
        """The bank's own word, if there is one."""
        return self.decline_code or self.code or ""


class Intent(Labels, kw_only=True):
    """A PaymentIntent: one payment, from the first try to its end."""

    id: str
    status: str
    amount: int
    currency: str
    customer: str | None = None
    payment_method: Method | str | None = None
    last_payment_error: Decline | None = None

    @property
    def progress(self) -> Progress:
        """How far it got, unattended: what waits for somebody has failed."""
        return _INTENTS.get(self.status, Progress.FAILED)

    @property
    def waits_for_somebody(self) -> bool:
        """Whether it would stay open until a person acts on it."""
        return self.status.startswith("requires_")

    @property
    def failure(self) -> str:
        """Why it is not paid; empty if it is."""
        if self.progress is not Progress.FAILED:
            return ""
        decline = self.last_payment_error
        reason = decline.reason if decline else ""
        return reason or _WITHOUT_DECLINE.get(self.status, self.status)

    @property
    def card(self) -> Card | None:
        """The way to pay that was kept, if it was asked for with the rest."""
        method = self.payment_method
        if not self.customer or not isinstance(method, Method):
            return None
        return Card(self.customer, method.id, method.label)


class DeclinedTry(Decline):
    """A decline, and the payment that was tried."""

    payment_intent: Intent | None = None


class Declined(msgspec.Struct):
    """Stripe's answer when a card is declined."""

    error: DeclinedTry


class Session(msgspec.Struct):
    """A Checkout Session: a page on which a payment is made."""

    id: str
    payment_status: str
    amount_total: int
    currency: str
    status: str | None = None
    url: str | None = None
    payment_intent: Intent | str | None = None

    @property
    def progress(self) -> Progress:
        """How far it got. A declined try is not the end of an open page."""
        if self.payment_status == PAID:
            return Progress.SUCCEEDED
        return Progress.FAILED if self.failure else Progress.PENDING

    @property
    def failure(self) -> str:
        """Why it will not be paid any more; empty as long as it may be."""
        if self.payment_status == PAID:
            return ""
        if self.status == "expired":
            return self.status
        intent = self.intent
        # Behind a page that was gone through, a bank debit may bounce days later.
        ends = _ENDS_BEHIND if self.status == "complete" else _ENDS_ON_A_PAGE
        return intent.failure if intent and intent.status in ends else ""

    @property
    def intent(self) -> Intent | None:
        """The payment itself, if it was asked for with the session."""
        return self.payment_intent if isinstance(self.payment_intent, Intent) else None

    @property
    def intent_id(self) -> str:
        """What the payment is called; empty before anything was tried."""
        intent = self.payment_intent
        return intent.id if isinstance(intent, Intent) else intent or ""


class RefundObject(Labels, kw_only=True):
    """A refund, ours or one made in Stripe's pages."""

    id: str
    status: str | None
    failure_reason: str | None = None

    @property
    def progress(self) -> Progress:
        """How far it got; one that waits for its customer is not over."""
        return _REFUNDS.get(self.status or "", Progress.PENDING)

    @property
    def failure(self) -> str:
        """Why the money did not go back."""
        has_failed = self.progress is Progress.FAILED
        return self.failure_reason or self.status or "" if has_failed else ""


class Charge(msgspec.Struct):
    """What was taken for a payment, and what went back of it in all refunds."""

    amount_refunded: int
    currency: str
    payment_intent: str | None = None


class Charged(msgspec.Struct):
    """A PaymentIntent that was paid, with its charge."""

    latest_charge: Charge


class DisputeObject(msgspec.Struct):
    """A payment that its payer contests at the bank."""

    id: str
    status: str
    amount: int
    currency: str
    reason: str = ""
    payment_intent: str | None = None

    @property
    def standing(self) -> DisputeStatus | None:
        """How it stands; nothing while no money was moved for it."""
        return _DISPUTES.get(self.status)


def read_as(kind: type[Read], said: Any) -> Read:
    """Return one of Stripe's objects.

    :raises msgspec.ValidationError: if it is not such an object.
    """
    return msgspec.convert(said, kind)
