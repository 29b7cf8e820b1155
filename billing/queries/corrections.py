"""Reading what was taken back, and by what. Nothing here writes."""

from billing.models import Correction, Customer, IdempotencyClaim, UsageEvent
from ledger.models import Entry
from ledger.queries import list_run


def find_correction(*, customer_id: int, event_id: int) -> Correction | None:
    """Return what took a customer's event back, if anything did."""
    corrections = Correction.objects.filter(customer=customer_id, event_id=event_id)
    return corrections.first()


def find_amendment(*, customer_id: int, event_id: int) -> Correction | None:
    """Return the correction that put an event in the place of another, if one did."""
    corrections = Correction.objects.filter(
        customer=customer_id, replacement_id=event_id
    )
    return corrections.first()


def find_replacement(correction: Correction) -> UsageEvent | None:
    """Return the event that stands in the place of the one taken back, if one does."""
    if correction.replacement_id is None:
        return None
    return UsageEvent.objects.get(
        pk=correction.replacement_id, occurred_at=correction.occurred_at
    )


def list_correction_entries(correction: Correction, *, wallet_id: int) -> list[Entry]:
    """Return the entries that gave credits back, and those that expired them again."""
    run = list_run(
        wallet_id=wallet_id,
        first=correction.first_entry,
        last=correction.last_entry,
        recorded_at=correction.recorded_at,
    )
    # Those of the event that replaces this one lie in between.
    return [entry for entry in run if entry.cause == correction.cause]


def get_key(*, event_id: int) -> str:
    """Return the idempotency key that an event was posted under."""
    return IdempotencyClaim.objects.get(pk=event_id).key


def get_corrected_key(*, customer: Customer, correction_id: int) -> str:
    """Return the key of the event that a customer's correction took back.

    :raises Correction.DoesNotExist: if the customer has no such correction.
    """
    correction = Correction.objects.get(pk=correction_id, customer=customer)
    return get_key(event_id=correction.event_id)
