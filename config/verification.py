"""The auditor: every promise that can be recomputed, over all apps."""

from django.db import connection

from billing.queries.verification import verify_usage
from invoices.verification import verify_invoices
from ledger.database import one_snapshot
from ledger.verification import Finding, verify_ledger


def verify_all() -> list[Finding]:
    """Run every check on one snapshot, so that it may run while usage comes in."""
    with one_snapshot():
        _prepare_transaction()
        return [*verify_ledger(), *verify_usage(), *verify_invoices()]


def _prepare_transaction() -> None:
    with connection.cursor() as cursor:
        # Whole tables are compared. Row by row is what the planner would only choose
        # for want of statistics, on tables just filled, and never finish.
        cursor.execute("SET LOCAL enable_nestloop = off")
