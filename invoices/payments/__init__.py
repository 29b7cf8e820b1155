"""What a payment provider has to do for us. One is in use: `PAYMENT_PROVIDER`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from invoices.models import Invoice

SUCCEEDED = "payment.succeeded"
FAILED = "payment.failed"

_PROVIDERS = {"simulated": "invoices.payments.simulated.SimulatedProvider"}


class WebhookError(Exception):
    """What was posted as a webhook is none that can be believed."""


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """A provider's webhook, known to be genuine, in our words.

    The payload of a payment's end holds its `reference`, and the `amount` paid, as
    text, in a `currency`.
    """

    event_id: str
    kind: str
    payload: dict[str, Any]


class PaymentProvider(Protocol):
    """Where customers pay."""

    name: str

    def start_checkout(
        self, *, invoice: Invoice, reference: str, return_url: str
    ) -> str:
        """Return the address of a page at which what is due can be paid."""
        ...

    def verify(
        self, *, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> PaymentEvent:
        """Read a webhook.

        :raises WebhookError: if it is not the provider's, or too old.
        """
        ...


class UnknownProviderError(Exception):
    """No payments are taken by a provider of this name."""


def get_provider(name: str | None = None) -> PaymentProvider:
    """Return the provider in use, which may be asked for by name.

    :raises UnknownProviderError: if it is not the one in use.
    """
    used = settings.PAYMENT_PROVIDER
    if used not in _PROVIDERS or name not in (None, used):
        raise UnknownProviderError(name or used)
    return cast("PaymentProvider", import_string(_PROVIDERS[used])())
