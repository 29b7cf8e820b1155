"""The auditor: every promise that can be recomputed, over all apps."""

from collections.abc import Iterator

from django.db import connection, transaction

from billing.queries.verification import verify_usage
from invoices.verification import verify_invoices
from ledger.verification import Finding, verify_ledger


def verify_all() -> Iterator[Finding]:
    """Run every check on one snapshot, so that it may run while usage comes in."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield from verify_ledger()
        yield from verify_usage()
        yield from verify_invoices()
