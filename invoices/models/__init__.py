"""What is owed for a period or a pack, and whether it was paid."""

from invoices.models.invoices import Invoice, Kind, NumberSeries, Status
from invoices.models.lines import CALL_LINES, AppliedCredit, InvoiceLine, LineKind
from invoices.models.payments import Payment, PaymentStatus, ProviderEvent

__all__ = [
    "CALL_LINES",
    "AppliedCredit",
    "Invoice",
    "InvoiceLine",
    "Kind",
    "LineKind",
    "NumberSeries",
    "Payment",
    "PaymentStatus",
    "ProviderEvent",
    "Status",
]
