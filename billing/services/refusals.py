"""Noting what admission refused: to Redis at once, to PostgreSQL within seconds.

A refusal costs its caller one command. What waits in the stream is added up by the
clock, and each entry counts once, whatever is killed: the sums and how far they go are
one transaction, and only then is the stream trimmed.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from uuid import uuid4

import redis
import structlog
from django.conf import settings
from django.db import connection, transaction

from billing.models import RefusalCursor
from billing.services.refusal_entries import Refusal, Sums, as_fields, parse_entry
from ledger.failpoints import failpoint
from ratelimits.server import GateUnavailableError, connect, run

STREAM = "tollgate:refusals"
MOST_ENTRIES = 1_000_000
# As many entries are added up in one transaction.
BATCH = 5_000
# Seconds that who adds them up waits for Redis.
_READ_PATIENCE = 5

# In the order of their keys, so that two that add at once do not lock each other out.
# What belongs to no customer is left out: Redis may be older than the database.
_ADD = """
    INSERT INTO billing_refusalrollup AS rollup
        (customer_id, hour, model, "limit", refusals, tokens, amount, last_at)
    SELECT added.* FROM jsonb_to_recordset(%s) AS added
        (customer_id bigint, hour timestamptz, model text, "limit" text,
         refusals bigint, tokens numeric, amount numeric, last_at timestamptz)
    JOIN billing_customer ON billing_customer.id = added.customer_id
    ORDER BY added.customer_id, added.hour, added.model, added."limit"
    ON CONFLICT (customer_id, hour, model, "limit") DO UPDATE SET
        refusals = rollup.refusals + EXCLUDED.refusals,
        tokens = rollup.tokens + EXCLUDED.tokens,
        amount = rollup.amount + EXCLUDED.amount,
        last_at = greatest(rollup.last_at, EXCLUDED.last_at)
"""

_log = structlog.get_logger(__name__)

Entry = tuple[str, dict[str, str]]


def note_refusal(
    *,
    customer_id: int,
    model: str,
    limit: str,
    tokens: int,
    amount: Decimal,
    at: datetime,
) -> None:
    """Count a call that was refused, by the name of the limit that refused it.

    `tokens` is what was asked for, `amount` the estimate. Where Redis does not take it
    in time, PostgreSQL does; a Redis that takes it and does not say so makes it count
    twice.

    :raises ValueError: if there is no limit of that name.
    """
    refusal = Refusal.of(
        customer_id=customer_id,
        model=model,
        limit=limit,
        tokens=tokens,
        amount=amount,
        at=at,
    )
    fields = chain.from_iterable(as_fields(refusal).items())
    try:
        run(("XADD", STREAM, "MAXLEN", "~", MOST_ENTRIES, "*", *fields))
    except GateUnavailableError:
        add_refusals(refusals=[refusal])


@transaction.atomic
def add_refusals(*, refusals: Sequence[Refusal]) -> None:
    """Add refusals to the sums of their hours."""
    _add(refusals)


def roll_up_refusals(*, at: datetime) -> int:
    """Add up what waits in Redis and take it out; returns how many entries there were.

    Two that run at once take turns. One that is killed leaves what the next one finds
    counted, or not counted and still there.

    :raises redis.RedisError: if Redis does not answer.
    """
    counted = 0
    while ids := count_entries(at=at):
        failpoint("refusals-counted")
        _reader().xdel(STREAM, *ids)
        counted += len(ids)
    return counted


@transaction.atomic
def count_entries(*, at: datetime) -> list[str]:
    """Add up the oldest entries; returns all that may be deleted once this is stored.

    Among them are those that were counted before and not deleted.
    """
    RefusalCursor.objects.bulk_create([RefusalCursor()], ignore_conflicts=True)
    cursor = RefusalCursor.objects.select_for_update().get()
    name, entries = _read_stream()
    counted = _position(cursor.last_id if name == cursor.stream else "0-0")
    fresh = [entry for entry in entries if _position(entry[0]) > counted]
    if fresh:
        _add(_parse(fresh))
        cursor.stream, cursor.last_id = name, fresh[-1][0]
    cursor.rolled_up_at = at
    cursor.save(update_fields=["stream", "last_id", "rolled_up_at"])
    return [entry_id for entry_id, _ in entries]


def _read_stream() -> tuple[str, list[Entry]]:
    """Return the stream's name and its oldest entries.

    The name is kept as a consumer group, which goes where the stream goes: nothing else
    tells a stream that was lost from one whose entries are all counted. Both are read
    at once, so that they are of one stream.
    """
    with _reader().pipeline(transaction=True) as pipeline:
        pipeline.exists(STREAM)
        # An error where there is no stream.
        pipeline.xinfo_groups(STREAM)
        pipeline.xrange(STREAM, count=BATCH)
        exists, groups, entries = pipeline.execute(raise_on_error=False)
    if not exists:
        return "", []
    if not groups:
        _reader().xgroup_create(STREAM, uuid4().hex, id="0")
        return _read_stream()
    return groups[0]["name"], entries


def _position(entry_id: str) -> tuple[int, int]:
    """Return what entries are ordered by: their milliseconds, and a number in them."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _parse(entries: Sequence[Entry]) -> list[Refusal]:
    """Return what can be read; one that cannot must not hold up the others for ever."""
    refusals = []
    for entry_id, fields in entries:
        refusal = parse_entry(fields)
        if refusal is None:
            _log.error("refusal_unreadable", entry=entry_id)
        else:
            refusals.append(refusal)
    return refusals


def _add(refusals: Sequence[Refusal]) -> None:
    sums = Sums()
    for refusal in refusals:
        sums.add(refusal)
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [sums.as_json()])


def _reader() -> redis.Redis:
    return connect(settings.REDIS_URL, _READ_PATIENCE, decode_responses=True)
