"""Recording usage: claim, price, debit and store a batch in one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from billing.models import ApiKey
from billing.pricing.quantities import PartsExceedTotalError, UnratableError
from billing.pricing.usage import read_usage
from billing.queries.accounts import Account, find_accounts
from billing.queries.price_book import open_price_book
from billing.services.alerts import note_debits
from billing.services.attribution import NamedKeys, find_named_keys
from billing.services.claims import NewClaim, take_claims
from billing.services.events import Item, Outcome, PostedEvent, new_item, rejected
from billing.services.gathering import gather_chunks, gather_silent
from billing.services.locking import lock_books
from billing.services.rating import price_items, store_unpriced
from billing.services.repeats import answer_repeats
from billing.services.storing import store_priced


@transaction.atomic
def record_events(
    *,
    events: Sequence[PostedEvent],
    received_at: datetime,
    own_key: ApiKey | None = None,
) -> list[Outcome]:
    """Meter, price and debit a batch of events; one outcome for each, in order.

    A key that was recorded before has no second effect: the same payload is a
    duplicate, answered with the first result; another payload is a conflict. What
    cannot be priced is kept in quarantine. A chunk of a stream waits for the rest.
    Events are counted to the customer's `own_key` that posted them, or to the key that
    each names.
    """
    accounts = find_accounts(event.customer for event in events)
    keys = find_named_keys(events, own_key=own_key)
    outcomes: dict[int, Outcome] = {}
    items: list[Item] = []
    for index, event in enumerate(events):
        refusal = _refuse(event, accounts, keys, received_at)
        if refusal:
            outcomes[index] = refusal
        else:
            account = accounts[event.customer]
            key_id = keys.id_of(account, event)
            items.append(new_item(index, account, event, api_key_id=key_id))
    chunks = [item for item in items if item.event.stream]
    if chunks:
        prices = open_price_book(accounts.values())
        whole, answers = gather_chunks(chunks, prices, received_at=received_at)
        items = [item for item in items if not item.event.stream] + whole
        outcomes |= answers
    outcomes |= _record(items, received_at)
    return [outcomes[index] for index in range(len(events))]


@transaction.atomic
def cut_stream(
    *, customer: str, key: str, silent_since: datetime, received_at: datetime
) -> bool:
    """Close a stream that went silent, charging what was generated.

    Returns whether it was closed; its event then says `"stream_cut": true`. A stream
    that got a chunk since is left alone.
    """
    account = find_accounts([customer])[customer]
    prices = open_price_book([account])
    items = gather_silent(
        [(account, key)], prices, silent_since=silent_since, received_at=received_at
    )
    _record(items, received_at)
    return bool(items)


def _record(items: Sequence[Item], received_at: datetime) -> dict[int, Outcome]:
    new, repeats = _claim(items)
    books = lock_books(item.account for item in new)
    # Terms and prices that were agreed while the batch waited for its locks count.
    accounts = find_accounts(item.account.external_id for item in new)
    for item in new:
        item.account = accounts[item.account.external_id]
    prices = open_price_book(accounts.values())
    priced, unpriced = price_items(new, prices, books)
    outcomes = store_priced(priced, books, received_at=received_at)
    note_debits(accounts.values(), books, received_at)
    outcomes |= store_unpriced(unpriced)
    return outcomes | answer_repeats(repeats)


def _claim(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Split events into those whose key is now theirs and those that came before."""
    first = {item.key: item for item in reversed(items)}
    taken = take_claims(
        NewClaim(*item.key, item.fingerprint, item.event.occurred_at)
        for item in first.values()
    )
    new: list[Item] = []
    repeats: list[Item] = []
    for item in items:
        if first[item.key] is item and item.key in taken:
            item.event_id = taken[item.key]
            new.append(item)
        else:
            repeats.append(item)
    return new, repeats


def _refuse(
    event: PostedEvent,
    accounts: dict[str, Account],
    keys: NamedKeys,
    received_at: datetime,
) -> Outcome | None:
    if event.customer not in accounts:
        detail = f"There is no customer {event.customer!r}."
        return rejected(event, "customer_id", "unknown_customer", detail)
    unknown = keys.refuse(accounts[event.customer], event)
    return unknown or _refuse_time(event, received_at) or _refuse_parts(event)


def _refuse_time(event: PostedEvent, received_at: datetime) -> Outcome | None:
    age = received_at - event.occurred_at
    if age > settings.ACCEPTANCE_WINDOW:
        detail = f"Events are accepted for {_words(settings.ACCEPTANCE_WINDOW)}."
        return rejected(event, "timestamp", "too_old", detail)
    if -age > settings.CLOCK_SKEW:
        detail = f"The time is more than {_words(settings.CLOCK_SKEW)} ahead."
        return rejected(event, "timestamp", "in_the_future", detail)
    return None


def _refuse_parts(event: PostedEvent) -> Outcome | None:
    """Refuse an event whose parts are more than their total: no card could cure it."""
    if event.stream:
        return None
    try:
        read_usage(event.properties)
    except PartsExceedTotalError as error:
        return rejected(event, f"properties/{error.field}", error.reason, error.detail)
    except UnratableError:
        # It has no price: rating will say so, and keep it.
        return None
    return None


def _words(duration: timedelta) -> str:
    if duration.days:
        return f"{duration.days} days"
    return f"{duration.seconds // 60} minutes"
