"""Turning the chunks in a batch into the events of the streams they complete."""

from collections.abc import Sequence
from datetime import UTC, datetime

from billing.pricing.dimensions import is_dimension
from billing.queries.accounts import Account
from billing.queries.price_book import PriceBook
from billing.services.claims import find_claims
from billing.services.events import (
    Item,
    Outcome,
    PostedEvent,
    Status,
    conflict,
    new_item,
)
from billing.services.streams import (
    ChunkConflictError,
    LockedStream,
    assemble,
    close_streams,
    get_first_chunk,
    lock_streams,
    store_chunks,
)

_NEVER = datetime.min.replace(tzinfo=UTC)


def gather_chunks(
    chunks: Sequence[Item], prices: PriceBook, *, received_at: datetime
) -> tuple[list[Item], dict[int, Outcome]]:
    """Store chunks; returns the events of the streams now closed, and the answers.

    A chunk without an answer of its own is answered as its stream's event is.
    """
    streams = lock_streams((chunk.key for chunk in chunks), received_at=received_at)
    answers = _refuse_taken(chunks, streams, received_at)
    repeated: list[Item] = []
    latest: dict[tuple[int, str], Item] = {}
    for chunk in (each for each in chunks if each.index not in answers):
        answer = _add(chunk, streams[chunk.key])
        if answer is None:
            repeated.append(chunk)
            continue
        answers[chunk.index] = answer
        if answer.status is Status.ACCEPTED:
            latest[chunk.key] = chunk
    store_chunks(streams.values())
    completing = [chunk for chunk in latest.values() if streams[chunk.key].is_complete]
    close_streams(
        [streams[chunk.key] for chunk in completing],
        closed_at=received_at,
        is_cut=False,
    )
    for chunk in completing:
        del answers[chunk.index]
    closed = [*repeated, *completing]
    return [
        _whole_event(chunk, streams[chunk.key], prices) for chunk in closed
    ], answers


def _refuse_taken(
    chunks: Sequence[Item],
    streams: dict[tuple[int, str], LockedStream],
    received_at: datetime,
) -> dict[int, Outcome]:
    """Close the streams just opened under a key that a whole event holds."""
    opened = [key for key, stream in streams.items() if not stream.chunks]
    taken = find_claims(opened)
    close_streams([streams[key] for key in taken], closed_at=received_at, is_cut=False)
    return {chunk.index: conflict(chunk) for chunk in chunks if chunk.key in taken}


def gather_silent(
    keys: Sequence[tuple[Account, str]],
    prices: PriceBook,
    *,
    silent_since: datetime,
    received_at: datetime,
) -> list[Item]:
    """Cut streams without a chunk since an instant; returns their events."""
    # No chunk came now: the time of each stream's last one stays what it was.
    streams = lock_streams(
        ((account.id, key) for account, key in keys), received_at=_NEVER
    )
    silent = [
        (account, key, streams[account.id, key])
        for account, key in keys
        if streams[account.id, key].is_silent(silent_since)
    ]
    close_streams(
        [stream for _, _, stream in silent], closed_at=received_at, is_cut=True
    )
    return [
        _as_item(index, account, key, stream, prices)
        for index, (account, key, stream) in enumerate(silent)
    ]


def _add(chunk: Item, stream: LockedStream) -> Outcome | None:
    try:
        is_new = stream.add(chunk.event, api_key_id=chunk.api_key_id)
    except ChunkConflictError as error:
        return Outcome(
            status=Status.CONFLICT,
            idempotency_key=chunk.event.idempotency_key,
            code="stream_conflict",
            detail=f"{error}.".capitalize(),
            path=("stream", "sequence"),
        )
    if not is_new and stream.is_closed:
        return None
    return Outcome(
        status=Status.ACCEPTED if is_new else Status.DUPLICATE,
        idempotency_key=chunk.event.idempotency_key,
        is_open_stream=True,
    )


def _whole_event(chunk: Item, stream: LockedStream, prices: PriceBook) -> Item:
    key = chunk.event.idempotency_key
    return _as_item(chunk.index, chunk.account, key, stream, prices)


def _as_item(
    index: int, account: Account, key: str, stream: LockedStream, prices: PriceBook
) -> Item:
    event = _assemble(account, key, stream, prices)
    return new_item(index, account, event, api_key_id=stream.api_key_id)


def _assemble(
    account: Account, key: str, stream: LockedStream, prices: PriceBook
) -> PostedEvent:
    first = get_first_chunk(stream)
    name, at = str(first.properties.get("model")), first.occurred_at
    found = prices.find_prices(account.cards_at(at), at, name)
    model = found and found.card.find_model(name)
    priced = model.dimensions if model else frozenset()
    return assemble(
        account, key, stream, lambda name: name in priced or is_dimension(name)
    )
