from invoices.admin import (
    calls,
    customers,
    invoices,
    payments,
    refunding,
    refunds,
)

__all__ = ["calls", "customers", "invoices", "payments", "refunding", "refunds"]
