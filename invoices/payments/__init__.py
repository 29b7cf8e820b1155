"""What a payment provider has to do for us. One is in use: `PAYMENT_PROVIDER`.

Whatever is asked of a provider is asked by a reference of ours: asking again, after a
crash, gets the first answer and moves no money twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from invoices.models import DisputeStatus, Payment, Refund
from ledger.money import smallest_coin

_PROVIDERS = {
    "simulated": "invoices.payments.simulated.SimulatedProvider",
    "stripe": "invoices.payments.stripe.StripeProvider",
}


class WebhookError(Exception):
    """What was posted as a webhook is none that can be believed."""


class ProviderError(Exception):
    """The provider could not be reached, or could not answer: ask again later."""


class BegunOtherwiseError(ProviderError):
    """The reference was used to ask for something else: begin another payment."""


class RefusedError(ProviderError):
    """The provider refuses what was asked, and would again."""


class Progress(StrEnum):
    """How far a payment or a refund got at its provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Card:
    """A card that its holder let the provider keep, by the provider's names."""

    provider_customer: str
    reference: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentNews:
    """What became of a payment; `reference` is ours, `provider_reference` theirs."""

    reference: str
    progress: Progress
    amount: Decimal
    currency: str
    provider_reference: str = ""
    card: Card | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundNews:
    """What became of a refund of ours; `reference` is ours."""

    reference: str
    progress: Progress
    provider_reference: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRefunded:
    """How much of a payment has been refunded in all, whoever asked for it."""

    provider_reference: str
    amount_refunded: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeNews:
    """How the dispute of a payment stands at the bank."""

    provider_reference: str
    dispute: str
    status: DisputeStatus
    amount: Decimal
    currency: str
    reason: str = ""


News = PaymentNews | RefundNews | ChargeRefunded | DisputeNews


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """A provider's webhook, known to be genuine, as it was posted."""

    event_id: str
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page at which a payment can be made, and what its provider calls it."""

    url: str
    reference: str


class PaymentProvider(Protocol):
    """Where customers pay."""

    name: str

    def payable_step(self, *, currency: str) -> Decimal:
        """Return the least by which two amounts that can be paid may differ.

        It is a power of ten, and no finer than the currency's smallest coin.
        """
        ...

    def start_checkout(self, *, payment: Payment) -> Checkout:
        """Return a page at which the payment can be made.

        :raises BegunOtherwiseError: if its page was asked for in other words, and what
            became of that is not known.
        :raises ProviderError: if the provider does not answer.
        """
        ...

    def charge(self, *, payment: Payment) -> PaymentNews:
        """Take a payment from the card that its customer let us keep, unattended.

        :raises ProviderError: if the provider does not answer.
        """
        ...

    def ask(self, *, payment: Payment, at: datetime) -> PaymentNews:
        """Return what became of a payment that was begun.

        :raises ProviderError: if the provider does not answer.
        """
        ...

    def refund(self, *, refund: Refund) -> RefundNews:
        """Give money of a payment back, or say how far that got.

        :raises ProviderError: if the provider does not answer.
        """
        ...

    def refunded(self, *, payment: Payment) -> Decimal:
        """Return how much of a payment is given back by now, whoever asked for it.

        What is on its way counts. When a refund fails, the sum falls by it.

        :raises ProviderError: if the provider does not answer.
        """
        ...

    def verify(
        self, *, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> SignedEvent:
        """Check who posted a webhook, and when.

        :raises WebhookError: if it is not the provider's, or too old.
        """
        ...

    def read(self, event: SignedEvent) -> News | None:
        """Return what a webhook says in our words; nothing if it is no concern of ours.

        :raises WebhookError: if it cannot be understood.
        """
        ...


class UnknownProviderError(Exception):
    """No payments are taken by a provider of this name."""


def get_payable_step(*, currency: str, provider: str = "") -> Decimal:
    """Return the least by which amounts differ that a provider can take, or give back.

    That of the provider in use, unless another one is named.
    """
    path = _PROVIDERS.get(provider or settings.PAYMENT_PROVIDER)
    if path is None:
        # One that was used once, and is not known any more.
        return smallest_coin(currency)
    named = cast("PaymentProvider", import_string(path)())
    return named.payable_step(currency=currency)


def get_provider(name: str | None = None) -> PaymentProvider:
    """Return the provider in use, which may be asked for by name.

    :raises UnknownProviderError: if it is not the one in use.
    """
    used = settings.PAYMENT_PROVIDER
    if used not in _PROVIDERS or name not in (None, used):
        raise UnknownProviderError(name or used)
    return cast("PaymentProvider", import_string(_PROVIDERS[used])())
