from invoices.admin import calls, customers, invoices, payments, refunds

__all__ = ["calls", "customers", "invoices", "payments", "refunds"]
