"""A customer's reconciliation for a terminal, with every digit."""

from collections.abc import Iterable

from billing.management.tables import align
from invoices.queries.reconciliation import CustomerReconciliation, PurchaseRow
from ledger.lot_sums import LotSums
from ledger.money import as_text, format_exact
from ledger.reconciliation import LotRow

_LOTS = ("lot", "granted", "used", "overdraft", "expired", "refunded", "left", "holds")
_PURCHASES = (
    "invoice",
    "status",
    "paid",
    "credited",
    "disputed",
    "credits",
    "bonus",
    "",
)


def lot_table(found: CustomerReconciliation) -> list[str]:
    """Return the lines of a table of lots, of what had no lot, and of all of it."""
    wallet = found.wallet
    held = as_text(wallet.wallet.balance)
    rows = [_lot_row(row) for row in wallet.lots]
    rows.append(_sums_row("without a lot", wallet.overdraft, ""))
    granted = as_text(wallet.granted)
    moved = (wallet.consumed, wallet.settled, wallet.expired, wallet.refunded)
    rows.append(("all", granted, *map(as_text, moved), as_text(wallet.left), held))
    return align(_LOTS, rows, names=1)


def purchase_table(purchases: Iterable[PurchaseRow]) -> list[str]:
    """Return the lines of a table of the invoices of purchases."""
    return align(_PURCHASES, [_purchase_row(row) for row in purchases], names=2)


def _lot_row(row: LotRow) -> tuple[str, ...]:
    name = f"{row.lot.source} {row.lot.reference}"
    return _sums_row(name, row.sums, as_text(row.lot.remaining))


def _sums_row(name: str, sums: LotSums, held: str) -> tuple[str, ...]:
    moved = (sums.consumed, sums.settlements, sums.expired, sums.refunded)
    amounts = map(as_text, (sums.granted, *moved, sums.left))
    return (name, *amounts, held)


def _purchase_row(row: PurchaseRow) -> tuple[str, ...]:
    invoice = row.invoice
    return (
        str(invoice),
        invoice.status,
        format_exact(invoice.amount_paid, invoice.currency),
        format_exact(row.credited, invoice.currency),
        format_exact(row.disputed, invoice.currency),
        as_text(row.granted),
        as_text(row.bonus_granted),
        "ok" if row.is_equal else "differs",
    )
