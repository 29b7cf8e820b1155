from invoices.admin import (
    calls,
    customers,
    events,
    invoices,
    payments,
    refunding,
    refunds,
)

__all__ = [
    "calls",
    "customers",
    "events",
    "invoices",
    "payments",
    "refunding",
    "refunds",
]
