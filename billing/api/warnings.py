"""The header that warns of a customer's credits."""

from collections.abc import Iterable

from billing.queries.allowances import CreditWarning

HEADER = "Tollgate-Warning"


def warning_headers(warnings: Iterable[CreditWarning | None]) -> dict[str, str]:
    """Return the header with each of these words once; none without a warning."""
    words = sorted({word for word in warnings if word})
    return {HEADER: ", ".join(words)} if words else {}
