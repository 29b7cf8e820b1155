"""What the auditor would report of everything stored."""

from itertools import chain

from billing.queries.verification import verify_usage
from ledger.verification import verify_ledger


def differences() -> list[str]:
    """Return every difference; unlike `verify_all`, within the test's transaction."""
    findings = chain(verify_ledger(), verify_usage())
    return [line for finding in findings for line in finding.differences]
