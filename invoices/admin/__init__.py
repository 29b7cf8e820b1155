from invoices.admin import calls, invoices

__all__ = ["calls", "invoices"]
