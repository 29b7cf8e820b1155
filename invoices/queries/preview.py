"""What a correction of a call would take back. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime

from billing.models import Customer
from billing.periods import billing_period
from invoices.queries.calls import Call, get_call
from ledger.models import Entry


@dataclass(frozen=True, slots=True)
class CorrectionPreview:
    """A call, the entries to be reversed in their order, and where that is billed."""

    call: Call
    entries: list[Entry]
    period_start: datetime

    @property
    def is_adjustment(self) -> bool:
        """Whether the call's own period is invoiced, and another one takes it back."""
        return self.period_start != self.call.event.period_start


def preview_correction(*, customer: Customer, key: str) -> CorrectionPreview:
    """Return what voiding a call would take back, as things stand.

    :raises UsageEvent.DoesNotExist: if no priced call of the customer has this key.
    """
    call = get_call(customer=customer, key=key)
    period = billing_period(
        call.event.occurred_at, customer.zone, closed_until=customer.closed_until
    )
    return CorrectionPreview(call, list(reversed(call.entries)), period.start)
