from invoices.admin import calls, invoices, payments, refunds

__all__ = ["calls", "invoices", "payments", "refunds"]
