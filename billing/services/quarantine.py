"""Pricing quarantined events again, after a new version of their card."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from billing.models import QuarantinedEvent
from billing.queries.accounts import Account, find_accounts
from billing.queries.price_book import open_price_book
from billing.services.alerts import note_debits
from billing.services.events import Item, PostedEvent, new_item
from billing.services.locking import lock_books
from billing.services.rating import price_items
from billing.services.storing import store_priced

BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Retry:
    """How many events were recorded, and the last one tried; 0 at the end."""

    recorded: int
    last_id: int


def list_waiting_customers() -> list[int]:
    """Return the customers with quarantined events, in id order."""
    waiting = QuarantinedEvent.objects.filter(resolved_at__isnull=True)
    customers = waiting.order_by("customer_id").values_list("customer_id", flat=True)
    return list(customers.distinct())


@transaction.atomic
def retry_quarantined(
    *,
    event_ids: Iterable[int] | None = None,
    customer_id: int | None = None,
    after: int = 0,
    received_at: datetime,
) -> Retry:
    """Price quarantined events again and record those that now have a price.

    Takes up to a thousand of those named, or of a customer's, or of all, past an id.
    """
    waiting = QuarantinedEvent.objects.filter(resolved_at__isnull=True, pk__gt=after)
    if event_ids is not None:
        waiting = waiting.filter(pk__in=event_ids)
    if customer_id is not None:
        waiting = waiting.filter(customer=customer_id)
    # Skipping what another worker retries just now: it will be done.
    locked = waiting.select_related("customer").select_for_update(
        skip_locked=True, of=("self",)
    )
    rows = list(locked.order_by("pk")[:BATCH])
    names = {row.customer.external_id for row in rows}
    books = lock_books(find_accounts(names).values())
    # Once more, with the books locked: terms may have been agreed meanwhile.
    accounts = find_accounts(names)
    items = [
        _as_item(index, row, accounts[row.customer.external_id])
        for index, row in enumerate(rows)
    ]
    priced, _ = price_items(items, open_price_book(accounts.values()), books)
    store_priced(priced, books, received_at=received_at)
    note_debits(accounts.values(), books, received_at)
    resolved = [each.item.event_id for each in priced]
    QuarantinedEvent.objects.filter(pk__in=resolved).update(resolved_at=received_at)
    return Retry(recorded=len(resolved), last_id=rows[-1].pk if rows else 0)


def _as_item(index: int, row: QuarantinedEvent, account: Account) -> Item:
    event = PostedEvent(
        customer=account.external_id,
        idempotency_key=row.idempotency_key,
        event_name=row.event_name,
        occurred_at=row.occurred_at,
        properties=row.properties,
    )
    item = new_item(index, account, event, api_key_id=row.api_key_id)
    item.event_id = row.pk
    return item
