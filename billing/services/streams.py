"""Gathering the chunks of a streamed response until they make one event.

Runs inside the transaction of `record_events` or `cut_streams`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.models import Stream, StreamChunk
from billing.pricing.rating import UnratableError, read_quantity
from billing.queries.accounts import Account
from billing.services.events import PostedEvent
from ledger.database import as_json_rows
from ledger.money import total

# In key order, so that two batches that share streams cannot deadlock. The update
# locks a stream that is there already.
_LOCK = """
    INSERT INTO billing_stream (customer_id, key, last_chunk_at, is_cut)
    SELECT customer_id, key, %s, false
    FROM jsonb_to_recordset(%s) AS posted (customer_id bigint, key text)
    ORDER BY customer_id, key
    ON CONFLICT (customer_id, key) DO UPDATE SET last_chunk_at =
        CASE WHEN billing_stream.closed_at IS NULL
        THEN greatest(billing_stream.last_chunk_at, EXCLUDED.last_chunk_at)
        ELSE billing_stream.last_chunk_at END
    RETURNING id, customer_id, key, closed_at IS NOT NULL, is_cut, last_chunk_at
"""

IsSummed = Callable[[str], bool]


class ChunkConflictError(Exception):
    """A chunk contradicts what its stream already holds."""


@dataclass(slots=True)
class LockedStream:
    """A stream that no other batch can add to, with its chunks by sequence."""

    id: int
    is_closed: bool
    is_cut: bool
    last_chunk_at: datetime
    chunks: dict[int, StreamChunk] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether the final chunk and all before it are there."""
        final = self._final_sequence()
        return final is not None and len(self.chunks) == final + 1

    @property
    def api_key_id(self) -> int | None:
        """The key that the stream's event is counted to: that of its first chunk."""
        return self.chunks[min(self.chunks)].api_key_id

    def is_silent(self, since: datetime) -> bool:
        """Tell whether it still waits for chunks and got none since an instant."""
        return not self.is_closed and self.last_chunk_at < since

    def add(self, event: PostedEvent, *, api_key_id: int | None) -> bool:
        """Take a chunk; returns false if the very same one is there already.

        :raises ChunkConflictError: if the stream has closed, the sequence holds
            another payload, or the chunk lies beyond the final one.
        """
        assert event.stream  # noqa: S101 - only chunks are added to streams.
        chunk = _new_chunk(self.id, event, api_key_id)
        existing = self.chunks.get(chunk.sequence)
        if existing:
            if bytes(existing.fingerprint) == chunk.fingerprint:
                return False
            message = f"chunk {chunk.sequence} was posted before with another payload"
            raise ChunkConflictError(message)
        self._check_room_for(chunk)
        self.chunks[chunk.sequence] = chunk
        return True

    def _check_room_for(self, chunk: StreamChunk) -> None:
        if self.is_closed:
            message = "the stream has closed; its usage is recorded"
            raise ChunkConflictError(message)
        final = self._final_sequence()
        if final is not None and (chunk.is_final or chunk.sequence > final):
            message = f"chunk {final} was posted as the final one"
            raise ChunkConflictError(message)
        if chunk.is_final and self.chunks and chunk.sequence < max(self.chunks):
            message = f"chunk {max(self.chunks)} was posted, beyond this final one"
            raise ChunkConflictError(message)

    def _final_sequence(self) -> int | None:
        finals = (chunk.sequence for chunk in self.chunks.values() if chunk.is_final)
        return next(finals, None)


def _new_chunk(
    stream_id: int, event: PostedEvent, api_key_id: int | None
) -> StreamChunk:
    assert event.stream  # noqa: S101 - only chunks are added to streams.
    return StreamChunk(
        stream_id=stream_id,
        api_key_id=api_key_id,
        sequence=event.stream.sequence,
        is_final=event.stream.is_final,
        fingerprint=event.fingerprint(),
        event_name=event.event_name,
        occurred_at=event.occurred_at,
        properties=event.properties,
    )


def lock_streams(
    keys: Iterable[tuple[int, str]], *, received_at: datetime
) -> dict[tuple[int, str], LockedStream]:
    """Open or lock the streams of these keys until the transaction ends."""
    rows = as_json_rows(
        {"customer_id": customer_id, "key": key} for customer_id, key in set(keys)
    )
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [received_at, rows])
        locked = {
            (customer_id, key): LockedStream(stream_id, *state)
            for stream_id, customer_id, key, *state in cursor
        }
    by_id = {stream.id: stream for stream in locked.values()}
    # What the chunks say is read when they become an event, and not before.
    chunks = StreamChunk.objects.filter(stream__in=by_id).defer("properties")
    for chunk in chunks:
        by_id[chunk.stream_id].chunks[chunk.sequence] = chunk
    return locked


def store_chunks(streams: Iterable[LockedStream]) -> None:
    """Keep the chunks that were added to locked streams."""
    chunks = (chunk for stream in streams for chunk in stream.chunks.values())
    StreamChunk.objects.bulk_create([chunk for chunk in chunks if chunk.pk is None])


def close_streams(
    streams: Iterable[LockedStream], *, closed_at: datetime, is_cut: bool
) -> None:
    """End streams: what comes for them later is refused."""
    for stream in streams:
        stream.is_closed, stream.is_cut = True, is_cut
        # Another server's clock may have been ahead when it took the last chunk.
        ended_at = max(closed_at, stream.last_chunk_at)
        Stream.objects.filter(pk=stream.id).update(closed_at=ended_at, is_cut=is_cut)


def get_first_chunk(stream: LockedStream) -> StreamChunk:
    """Return the chunk that gives the stream's event its time and its name."""
    return StreamChunk.objects.get(stream=stream.id, sequence=min(stream.chunks))


def assemble(
    account: Account, key: str, stream: LockedStream, is_summed: IsSummed
) -> PostedEvent:
    """Make one event of a stream's chunks: its time and name are the first chunk's.

    Quantities are summed over the chunks; of any other property the last one stands.
    A stream that was cut says so: `"stream_cut": true`.
    """
    ordered = list(StreamChunk.objects.filter(stream=stream.id).order_by("sequence"))
    properties: dict[str, Any] = {"stream_cut": True} if stream.is_cut else {}
    for chunk in ordered:
        for name, value in chunk.properties.items():
            if name in properties and is_summed(name):
                properties[name] = _add(name, properties[name], value)
            else:
                properties[name] = value
    return PostedEvent(
        customer=account.external_id,
        idempotency_key=key,
        event_name=ordered[0].event_name,
        occurred_at=ordered[0].occurred_at,
        properties=properties,
    )


def _add(name: str, earlier: object, later: object) -> object:
    parts: list[Decimal] = []
    for value in (earlier, later):
        try:
            parts.append(read_quantity(name, value))
        except UnratableError:
            # It stands: rating will refuse it, and the event waits in quarantine.
            return value
    return total(parts)


def list_silent_streams(*, since: datetime) -> list[tuple[str, str]]:
    """Return some open streams without a chunk since an instant.

    Each is the customer's external id and the key.
    """
    silent = Stream.objects.filter(closed_at__isnull=True, last_chunk_at__lt=since)
    rows = silent.values_list("customer__external_id", "key")
    return list(rows.order_by("last_chunk_at")[:500])
