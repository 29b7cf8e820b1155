from invoices.admin import (
    calls,
    customers,
    deciding,
    invoices,
    payments,
    refunding,
    refunds,
)

__all__ = [
    "calls",
    "customers",
    "deciding",
    "invoices",
    "payments",
    "refunding",
    "refunds",
]
