"""Ingest beside its limit: bare COPY of the same rows into tables without a rule."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from django.db import connections, transaction

from billing.services.events import PostedEvent
from billing.services.metering import record_events
from config.demo.loading import post_events
from config.demo.traffic import CHAT, Event, Window, all_events
from config.serving import Address, serving_web
from tests import make

BATCH = 1_000
EVENTS = 10_000
TABLES = ("billing_usageevent", "billing_charge", "ledger_entry")
_run = count(1)

Way = Callable[[Sequence[Event]], None]


def measure_ingest(*, runs: int) -> list[tuple[str, list[float]]]:
    """Return events per second of each way, the limit first."""
    make.customer(external_id=CHAT, credits="10000")
    traffic = _traffic()
    recorded = _rates(_record, traffic, runs)
    copied = _rates(_copier(), traffic, runs)
    address = Address("127.0.0.1", 8765)
    key = make.service_key()
    with serving_web(address):
        posted = _rates(
            lambda events: _discard(post_events(events, url=address.url, key=key)),
            traffic,
            runs,
        )
    return [
        ("bare COPY of event, charges and entry", copied),
        ("record_events, 1,000 a batch", recorded),
        ("POST /v1/events, 500 a request, 2 clients", posted),
    ]


def _traffic() -> list[Event]:
    now = datetime.now(UTC)
    window = Window(now - timedelta(days=30), now - timedelta(hours=1))
    chat = [event for event in all_events(window) if event["customer_id"] == CHAT]
    return chat[:EVENTS]


def _rates(way: Way, traffic: Sequence[Event], runs: int) -> list[float]:
    rates = []
    for _ in range(runs):
        fresh = list(_with_new_keys(traffic))
        started = time.perf_counter()
        way(fresh)
        rates.append(len(fresh) / (time.perf_counter() - started))
    return rates


def _with_new_keys(traffic: Sequence[Event]) -> Iterator[Event]:
    run = next(_run)
    for event in traffic:
        yield event | {"idempotency_key": f"{run}:{event['idempotency_key']}"}


def _record(events: Sequence[Event]) -> None:
    for start in range(0, len(events), BATCH):
        batch = [_posted(event) for event in events[start : start + BATCH]]
        record_events(events=batch, received_at=datetime.now(UTC))


def _posted(event: Event) -> PostedEvent:
    return PostedEvent(
        customer=event["customer_id"],
        idempotency_key=event["idempotency_key"],
        event_name=event["event_name"],
        occurred_at=datetime.fromisoformat(event["timestamp"]),
        properties=event["properties"],
    )


def _copier() -> Way:
    """Return a way that writes stored rows again, a transaction for each batch."""
    with connections["owner"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TEMP TABLE bare_{table} (LIKE {table})")
        stored = {table: _read_rows(table) for table in TABLES}

    def copy(events: Sequence[Event]) -> None:
        for start in range(0, len(events), BATCH):
            with (
                transaction.atomic(using="owner"),
                connections["owner"].cursor() as cursor,
            ):
                for table, rows in stored.items():
                    share = len(rows) // len(stored["billing_usageevent"])
                    batch = rows[start * share : (start + BATCH) * share]
                    with cursor.copy(f"COPY bare_{table} FROM STDIN") as into:
                        into.write(b"".join(batch))

    return copy


def _read_rows(table: str) -> list[bytes]:
    statement = f"COPY (SELECT * FROM {table}) TO STDOUT"  # noqa: S608 - ours.
    with connections["owner"].cursor() as cursor, cursor.copy(statement) as rows:
        return b"".join(map(bytes, rows)).splitlines(keepends=True)


def _discard(_: object) -> None:
    return None
