"""Taking idempotency keys: one key has one effect, for ever."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ledger.database import as_json_rows

Key = tuple[int, str]

# Sorted, so that two batches that share keys wait for each other without a deadlock.
_TAKE = """
    INSERT INTO billing_idempotencyclaim (customer_id, key, fingerprint, occurred_at)
    SELECT customer_id, key, decode(fingerprint, 'hex'), occurred_at
    FROM jsonb_to_recordset(%s) AS claim
        (customer_id bigint, key text, fingerprint text, occurred_at timestamptz)
    ORDER BY customer_id, key
    ON CONFLICT (customer_id, key) DO NOTHING
    RETURNING customer_id, key, id
"""
_FIND = """
    SELECT customer_id, key, id, fingerprint, occurred_at
    FROM billing_idempotencyclaim
    JOIN jsonb_to_recordset(%s) AS wanted (customer_id bigint, key text)
    USING (customer_id, key)
"""


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A key about to be taken for an event."""

    customer_id: int
    key: str
    fingerprint: bytes
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class EarlierClaim:
    """A key that an earlier event holds."""

    event_id: int
    fingerprint: bytes
    occurred_at: datetime


def take_claims(claims: Iterable[NewClaim]) -> dict[Key, int]:
    """Take the keys that are free; returns the event ids handed out for them."""
    rows = as_json_rows(
        {
            "customer_id": claim.customer_id,
            "key": claim.key,
            "fingerprint": claim.fingerprint.hex(),
            "occurred_at": claim.occurred_at,
        }
        for claim in claims
    )
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [rows])
        return {(customer_id, key): event_id for customer_id, key, event_id in cursor}


def find_claims(keys: Iterable[Key]) -> dict[Key, EarlierClaim]:
    """Return who holds these keys; those that are free are left out."""
    rows = as_json_rows(
        {"customer_id": customer_id, "key": key} for customer_id, key in keys
    )
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [rows])
        return {
            (customer_id, key): EarlierClaim(event_id, bytes(fingerprint), occurred_at)
            for customer_id, key, event_id, fingerprint, occurred_at in cursor
        }
