"""What is owed for a period or a pack, whether it was paid, and what went back."""

from invoices.models.events import EventRetry, ProviderEvent
from invoices.models.invoices import Invoice, Kind, NumberSeries, Status
from invoices.models.lines import CALL_LINES, AppliedCredit, InvoiceLine, LineKind
from invoices.models.payments import Payment, PaymentMethod, PaymentStatus
from invoices.models.refund_states import RefundKind, RefundStatus
from invoices.models.refunds import (
    HELD_BY_THE_BANK,
    CreditNote,
    Dispute,
    DisputeStatus,
    Refund,
)
from invoices.models.simulated import SimulatedPayment, SimulatedRefund
from invoices.models.top_ups import AutoTopUp, OffBecause

__all__ = [
    "CALL_LINES",
    "HELD_BY_THE_BANK",
    "AppliedCredit",
    "AutoTopUp",
    "CreditNote",
    "Dispute",
    "DisputeStatus",
    "EventRetry",
    "Invoice",
    "InvoiceLine",
    "Kind",
    "LineKind",
    "NumberSeries",
    "OffBecause",
    "Payment",
    "PaymentMethod",
    "PaymentStatus",
    "ProviderEvent",
    "Refund",
    "RefundKind",
    "RefundStatus",
    "SimulatedPayment",
    "SimulatedRefund",
    "Status",
]
