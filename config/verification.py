"""The auditor: every promise that can be recomputed, over all apps."""

from django.db import connection, transaction

from billing.queries.verification import verify_usage
from invoices.verification import verify_invoices
from ledger.verification import Finding, verify_ledger


@transaction.atomic
def verify_all() -> list[Finding]:
    """Run every check on one snapshot, so that it may run while usage comes in."""
    _prepare_transaction()
    return [*verify_ledger(), *verify_usage(), *verify_invoices()]


def _prepare_transaction() -> None:
    with connection.cursor() as cursor:
        if len(connection.savepoint_ids) == 0:
            # Only the outermost transaction can choose; a test's is under way already.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # Whole tables are compared. Row by row is what the planner would only choose
        # for want of statistics, on tables just filled, and never finish.
        cursor.execute("SET LOCAL enable_nestloop = off")
