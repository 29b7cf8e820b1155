"""Ending the holds of calls once their usage is recorded.

It comes after the commit: at no moment is a call neither held nor debited. What is lost
on the way, by a crash or by Redis, ends by itself.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from django.db import connection

from billing.pricing.tokens import count_tokens
from billing.queries.callers import get_caller
from billing.services.admission import extend_calls
from billing.services.events import Outcome, PostedEvent, Status
from billing.services.leases import read_base
from ledger.database import as_json_rows
from ratelimits import limiter
from ratelimits.messages import Base, Known
from ratelimits.server import GateUnavailableError

_DELETE = """
    DELETE FROM billing_callhold AS hold
    USING jsonb_to_recordset(%s) AS ended (customer text, key text),
        billing_customer AS customer
    WHERE customer.external_id = ended.customer
        AND hold.customer_id = customer.id AND hold.request_id = ended.key
"""


def settle_calls(
    *, events: Sequence[PostedEvent], outcomes: Sequence[Outcome], at: datetime
) -> None:
    """End the holds of recorded calls, and correct their tokens to what was used.

    A call whose stream is still open goes on holding. Doing it again changes nothing.
    """
    ended: _ByCustomer = defaultdict(list)
    running: defaultdict[str, list[str]] = defaultdict(list)
    for event, outcome in zip(events, outcomes, strict=True):
        if outcome.is_open_stream:
            running[event.customer].append(event.idempotency_key)
        elif outcome.status in (Status.ACCEPTED, Status.DUPLICATE):
            ended[event.customer].append((event, outcome))
    _delete_holds(ended)
    for name, request_ids in running.items():
        extend_calls(caller=get_caller(name), request_ids=request_ids, at=at)
    try:
        known = limiter.find_generations([*ended])
        _settle(ended, known, at)
    except GateUnavailableError:
        # What they hold ends by itself.
        return


_ByCustomer = defaultdict[str, list[tuple[PostedEvent, Outcome]]]


def _delete_holds(ended: _ByCustomer) -> None:
    rows = [
        {"customer": name, "key": event.idempotency_key}
        for name, calls in ended.items()
        for event, _ in calls
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, [as_json_rows(rows)])


def _settle(ended: _ByCustomer, known: Mapping[str, Known], at: datetime) -> None:
    bases = {
        name: _read_base(name, known[name], at) for name in ended.keys() & known.keys()
    }
    used = {
        name: [
            (event.idempotency_key, _tokens(event, outcome))
            for event, outcome in ended[name]
        ]
        for name in bases
    }
    limiter.settle(used, bases=bases)


def _read_base(name: str, known: Known, at: datetime) -> Base:
    base = read_base(caller=get_caller(name), generation=known.generation, at=at)
    return msgspec.structs.replace(base, as_of=known.now)


def _tokens(event: PostedEvent, outcome: Outcome) -> int | None:
    """Return the tokens of a call; of a stream posted again they are not at hand."""
    recorded = outcome.recorded or (None if event.stream else event)
    return count_tokens(recorded.properties) if recorded else None
