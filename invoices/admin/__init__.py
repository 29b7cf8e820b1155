from invoices.admin import (
    calls,
    customers,
    deciding,
    events,
    invoices,
    payments,
    refunding,
    refunds,
)

__all__ = [
    "calls",
    "customers",
    "deciding",
    "events",
    "invoices",
    "payments",
    "refunding",
    "refunds",
]
