"""Finding the event that is to be corrected, in whatever state it is."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import Customer, QuarantinedEvent, Stream, UsageEvent
from billing.queries.accounts import Account, find_accounts
from billing.services.claims import find_claims
from ledger.money import ZERO


class UnknownEventError(Exception):
    """The customer has no event with this key."""


class NotCorrectableError(Exception):
    """The event is in a state in which it cannot be corrected so; `code` names it."""

    code = "already_corrected"


class StreamOpenError(NotCorrectableError):
    """The stream has not closed, so that there is no event yet."""

    code = "stream_open"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be corrected; it has no event if it was never priced."""

    account: Account
    id: int
    key: str
    event_name: str
    api_key_id: int | None
    occurred_at: datetime
    event: UsageEvent | None

    @property
    def amount(self) -> Decimal:
        """What it has cost."""
        return self.event.amount if self.event else ZERO


def find_subject(customer: Customer, key: str) -> Subject:
    """Return a customer's event by its key, priced or in quarantine.

    One in quarantine stays there until the transaction ends.

    :raises UnknownEventError: if the customer has no event with this key.
    :raises StreamOpenError: if it is a stream that has not closed.
    """
    account = find_accounts([customer.external_id])[customer.external_id]
    claim = find_claims([(customer.pk, key)]).get((customer.pk, key))
    if claim is None:
        if is_open_stream(customer, key):
            message = f"{key} is a stream that has not closed: there is no event yet."
            raise StreamOpenError(message)
        raise UnknownEventError(key)
    # Locked before the wallet, as a retry does it.
    locked = QuarantinedEvent.objects.select_for_update()
    kept = locked.filter(pk=claim.event_id).first()
    at = claim.occurred_at
    # The time lets PostgreSQL look into the right month alone.
    event = UsageEvent.objects.filter(pk=claim.event_id, occurred_at=at).first()
    found = event or kept
    assert found  # noqa: S101 - a claim has its event or its quarantine.
    return Subject(
        account, claim.event_id, key, found.event_name, found.api_key_id, at, event
    )


def is_open_stream(customer: Customer, key: str) -> bool:
    """Tell whether a key belongs to chunks that are still to become an event."""
    streams = Stream.objects.filter(customer=customer, key=key)
    return streams.filter(closed_at__isnull=True).exists()
