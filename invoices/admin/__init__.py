from invoices.admin import calls, invoices, payments, refunding, refunds

__all__ = ["calls", "invoices", "payments", "refunding", "refunds"]
