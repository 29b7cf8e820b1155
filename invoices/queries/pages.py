"""What the portal's pages on invoices show, with their sums. Nothing here writes."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings

from billing.models import Customer
from invoices.models import (
    AppliedCredit,
    Dispute,
    DisputeStatus,
    Invoice,
    InvoiceLine,
    Kind,
    Payment,
    PaymentStatus,
    Refund,
    Status,
)
from invoices.payments.simulated import NAME
from invoices.queries.adjustments import find_corrected_lines
from invoices.queries.disputes import list_disputes
from invoices.queries.lines import (
    CallPage,
    LineDay,
    get_line,
    list_calls,
    list_days,
    list_lines,
)
from invoices.queries.listing import get_invoice
from invoices.queries.prices import describe_price
from invoices.queries.refunds import list_decided_refunds
from ledger.money import WIDE, total


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """An invoice with its lines, the credits that paid for it, and what went back."""

    invoice: Invoice
    lines: list[InvoiceLine]
    credits: list[AppliedCredit]
    payments: list[Payment]
    refunds: list[Refund]
    disputes: list[Dispute]

    @property
    def exact_total(self) -> Decimal:
        """The sum of the lines before they were rounded."""
        return total(line.exact_amount for line in self.lines)

    @property
    def remainder(self) -> Decimal:
        """What rounding to the currency added to the invoice, or took from it."""
        return WIDE.subtract(self.invoice.total, self.exact_total)

    @property
    def is_payable(self) -> bool:
        """Whether money is still wanted for it, and no kept card is being charged."""
        is_wanted = self.invoice.status == Status.OPEN and self.invoice.amount_due > 0
        return is_wanted and not any(payment.method_id for payment in self._pending)

    @property
    def is_begun(self) -> bool:
        """Whether a page to pay on was opened, and its end is not known yet."""
        return self.is_payable and bool(self._pending)

    @property
    def is_cancelable(self) -> bool:
        """Whether it is an order that need not be paid."""
        return self.is_payable and self.invoice.kind == Kind.PURCHASE

    @property
    def is_disputed(self) -> bool:
        """Whether a payment of it is contested, and its credits are frozen."""
        return any(each.status == DisputeStatus.OPEN for each in self.disputes)

    @property
    def simulated_reference(self) -> str | None:
        """What the simulated checkout calls a payment that a dispute may still end."""
        paid = (
            payment.reference
            for payment in self.payments
            if payment.status == PaymentStatus.SUCCEEDED and payment.provider == NAME
        )
        is_decided = bool(self.disputes) and not self.is_disputed
        if settings.PAYMENT_PROVIDER != NAME or is_decided:
            return None
        return next(paid, None)

    @property
    def _pending(self) -> list[Payment]:
        pending = PaymentStatus.PENDING
        return [each for each in self.payments if each.status == pending]


@dataclass(frozen=True, slots=True)
class LinePage:
    """An invoice line with the days that it is made of.

    `corrected` is the line of an earlier invoice that it takes back from.
    """

    line: InvoiceLine
    price: str
    days: list[LineDay]
    corrected: InvoiceLine | None

    @property
    def calls(self) -> int:
        """The calls of all days."""
        return sum(day.calls for day in self.days)

    @property
    def quantity(self) -> Decimal:
        """What was used on all days."""
        return total(day.quantity for day in self.days)

    @property
    def amount(self) -> Decimal:
        """The sum of the days, exactly."""
        return total(day.amount for day in self.days)

    @property
    def is_equal(self) -> bool:
        """Whether the days add up to the line, to the last digit."""
        return self.amount == self.line.exact_amount


@dataclass(frozen=True, slots=True)
class DayPage:
    """One day of an invoice line, with some of its calls."""

    line: InvoiceLine
    calls: CallPage


def get_invoice_page(*, customer: Customer, number: str) -> InvoicePage:
    """Return a customer's invoice with all that it is made of.

    :raises Invoice.DoesNotExist: if the customer has none with this number.
    """
    invoice = get_invoice(customer=customer, number=number)
    credits = AppliedCredit.objects.filter(invoice=invoice).select_related("lot")
    return InvoicePage(
        invoice=invoice,
        lines=list(list_lines(invoice=invoice)),
        credits=list(credits.order_by("pk")),
        payments=list(invoice.payments.order_by("pk")),
        refunds=list_decided_refunds(invoice=invoice),
        disputes=list_disputes(invoice=invoice),
    )


def get_line_page(*, customer: Customer, number: str, position: int) -> LinePage:
    """Return a line of a customer's invoice with its days.

    :raises InvoiceLine.DoesNotExist: if the customer has no such line.
    """
    line = get_line(customer=customer, number=number, position=position)
    return LinePage(
        line=line,
        price=describe_price(line),
        days=list_days(line=line),
        corrected=find_corrected_lines([line]).get(line.pk),
    )


def get_day_page(
    *, customer: Customer, number: str, position: int, day: date, after: int | None
) -> DayPage:
    """Return a page of the calls of one day of a customer's invoice line.

    :raises ObjectDoesNotExist: if the customer has no such line, or no call `after`.
    """
    line = get_line(customer=customer, number=number, position=position)
    return DayPage(line, list_calls(line=line, day=day, after=after))
