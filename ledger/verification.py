"""Re-deriving what is stored from the append-only entries. Nothing here writes."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from ledger.books import list_months
from ledger.digest import entry_digest
from ledger.models import GENESIS, Entry
from ledger.money import WIDE, as_text

# More would hide the first in a wall of text.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check compared, and each difference, naming the row."""

    check: str
    compared: int
    differences: list[str]


def compare(check: str, sql: str) -> Finding:
    """Run a query of (row, derived, stored) and report where the two differ."""
    counted = f"SELECT count(*) FROM ({sql}) AS compared"  # noqa: S608 - as below.
    differing = f"""
        SELECT row, derived, stored FROM ({sql}) AS compared (row, derived, stored)
        WHERE derived IS DISTINCT FROM stored LIMIT {SHOWN}
    """  # noqa: S608 - made of our own constants.
    with connection.cursor() as cursor:
        cursor.execute(counted)
        [compared] = cursor.fetchone()
        cursor.execute(differing)
        differences = [
            f"{row}: {derived} expected, {stored} stored"
            for row, derived, stored in cursor
        ]
    return Finding(check, compared, differences)


BALANCES = """
    SELECT format('wallet %s', wallet.id),
        format('balance %s after entry %s', trim_scale(coalesce(sum(entry.amount), 0)),
            coalesce(max(entry.sequence), 0)),
        format('balance %s after entry %s', trim_scale(wallet.balance), wallet.sequence)
    FROM ledger_wallet AS wallet
    LEFT JOIN ledger_entry AS entry ON entry.wallet_id = wallet.id
    GROUP BY wallet.id
"""
LAST_DIGESTS = """
    SELECT format('wallet %s', wallet.id), encode(entry.digest, 'hex'),
        encode(wallet.digest, 'hex')
    FROM ledger_wallet AS wallet
    JOIN ledger_entry AS entry
        ON entry.wallet_id = wallet.id AND entry.sequence = wallet.sequence
"""
LOTS = """
    SELECT format('lot %s', lot.id), coalesce(sum(entry.amount), 0), lot.remaining
    FROM ledger_creditlot AS lot
    LEFT JOIN ledger_entry AS entry ON entry.lot_id = lot.id
    GROUP BY lot.id
"""
FUNDS = """
    SELECT format('wallet %s', wallet.id),
        coalesce((SELECT sum(remaining) FROM ledger_creditlot
            WHERE wallet_id = wallet.id), 0)
        + coalesce((SELECT sum(amount) FROM ledger_entry
            WHERE wallet_id = wallet.id AND lot_id IS NULL), 0),
        wallet.balance
    FROM ledger_wallet AS wallet
"""


def verify_ledger() -> Iterator[Finding]:
    """Check balances, lots, books and every link of the digest chains."""
    yield compare("balance = sum of entries, numbered without a gap", BALANCES)
    yield compare("lot = sum of its entries", LOTS)
    yield compare("balance = lots - overdraft", FUNDS)
    yield _verify_books()
    yield _verify_chains()
    yield compare("wallet's digest = last entry's", LAST_DIGESTS)


def _verify_books() -> Finding:
    """Roll the books forward from nothing, and compare with what is held now."""
    differences: list[str] = []
    months = list_months()
    # Newest first by currency: these keep the oldest and the newest of each.
    oldest = {month.currency: month for month in months}
    newest = {month.currency: month for month in reversed(months)}
    for currency, last in newest.items():
        for name in ("deferred", "promotion", "receivable"):
            held = getattr(last, name).closing
            moved = WIDE.subtract(held, getattr(oldest[currency], name).opening)
            if moved != held:
                differences.append(
                    f"{name} {currency}: {as_text(moved)} expected,"
                    f" {as_text(held)} stored"
                )
    check = "books roll forward to what lots and wallets hold"
    return Finding(check, 3 * len(newest), differences[:SHOWN])


def _verify_chains() -> Finding:
    differences: list[str] = []
    compared = 0
    wallet_id, previous, sequence = 0, GENESIS, 0
    entries = Entry.objects.order_by("wallet_id", "sequence")
    for entry in entries.iterator(chunk_size=5_000):
        if entry.wallet_id != wallet_id:
            wallet_id, previous, sequence = entry.wallet_id, GENESIS, 0
        compared += 1
        sequence += 1
        intact = bytes(entry.digest) == _digest_of(entry, previous)
        if not intact or entry.sequence != sequence:
            differences.append(f"entry {entry.pk} of wallet {wallet_id} was altered")
        previous = bytes(entry.digest)
    return Finding("digest chain of entries", compared, differences[:SHOWN])


def _digest_of(entry: Entry, previous: bytes) -> bytes:
    return entry_digest(
        previous,
        wallet_id=entry.wallet_id,
        sequence=entry.sequence,
        lot_id=entry.lot_id,
        book=entry.book,
        kind=entry.kind,
        amount=entry.amount,
        balance_after=entry.balance_after,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        cause=entry.cause,
        reverses=entry.reverses,
        actor=entry.actor,
    )
