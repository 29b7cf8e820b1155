"""Reading invoices, from the list down to a single call and back. Nothing writes."""

from invoices.queries.adjustments import find_corrected_lines
from invoices.queries.calls import Call, ExplainedCharge, TakenBack, get_call
from invoices.queries.lines import (
    CallPage,
    LineCall,
    LineDay,
    get_line,
    list_calls,
    list_days,
    list_lines,
)
from invoices.queries.listing import get_invoice, list_invoices

__all__ = [
    "Call",
    "CallPage",
    "ExplainedCharge",
    "LineCall",
    "LineDay",
    "TakenBack",
    "find_corrected_lines",
    "get_call",
    "get_invoice",
    "get_line",
    "list_calls",
    "list_days",
    "list_invoices",
    "list_lines",
]
