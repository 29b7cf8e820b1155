"""The fingerprint of an entry, chained to the one before it in its wallet."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal

from ledger.money import as_text


def entry_digest(  # noqa: PLR0913 - these are the columns that it protects.
    previous: bytes,
    *,
    wallet_id: int,
    sequence: int,
    lot_id: int | None,
    book: str,
    kind: str,
    amount: Decimal,
    balance_after: Decimal,
    occurred_at: datetime,
    recorded_at: datetime,
    cause: str,
    reverses: int | None,
    actor: str,
) -> bytes:
    """Return the SHA-256 over the previous digest and every column of the entry."""
    columns = (
        str(wallet_id),
        str(sequence),
        "" if lot_id is None else str(lot_id),
        book,
        kind,
        as_text(amount),
        as_text(balance_after),
        occurred_at.astimezone(UTC).isoformat(),
        recorded_at.astimezone(UTC).isoformat(),
        cause,
        "" if reverses is None else str(reverses),
        actor,
    )
    # Length prefixes: no text in one column can imitate two columns.
    content = "".join(f"{len(column)}:{column}," for column in columns)
    return hashlib.sha256(previous + content.encode()).digest()
