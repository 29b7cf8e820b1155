"""What of a purchase can be refunded, and what was. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from billing.models import Customer
from invoices.models import (
    CreditNote,
    Dispute,
    DisputeStatus,
    Invoice,
    Kind,
    Payment,
    Refund,
    RefundKind,
    RefundStatus,
    Status,
)
from invoices.queries.purchased import (
    Purchased,
    find_paying_payment,
    find_purchased,
    list_standing_refunds,
)
from ledger.models import CreditLot, Entry
from ledger.money import WIDE, ZERO, total
from ledger.queries import get_balance, list_run


class NotRefundableError(Exception):
    """Nothing of this can be refunded, or not so much of it."""


class NotAPurchaseError(NotRefundableError):
    """The invoice is for usage: what was used is taken back by correcting its calls."""


class NotPaidError(NotRefundableError):
    """The invoice was not paid in money, so that none can go back."""


class AmountNotRefundableError(NotRefundableError):
    """The amount is not above zero, or too fine for its currency."""


class RefundTooLargeError(NotRefundableError):
    """More is to be refunded than what is unused is worth."""


class NothingToRefundError(RefundTooLargeError):
    """All was used, has expired, went back already, or is under dispute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundQuote:
    """What of a purchase can be refunded at an instant.

    `money` is the most, `credits` what it takes of the paid lot, and `bonus` what is
    voided first. `used` are the paid credits that are gone, `refunded` the money that
    is no longer ours, and `waiting` what waits for approval and is spoken for.
    """

    purchased: Purchased
    money: Decimal
    credits: Decimal
    bonus: Decimal
    waiting: Decimal
    is_expired: bool
    is_disputed: bool
    # What was refunded of it with nobody's approval: a large refund cut into small ones
    # is a large one.
    unapproved: Decimal

    @property
    def payment(self) -> Payment:
        """The payment whose money would go back."""
        return self.purchased.payment

    @property
    def currency(self) -> str:
        """The currency of the money."""
        return self.payment.currency

    @property
    def used(self) -> Decimal:
        """The paid credits that were used, or have expired."""
        return self.purchased.used

    @property
    def refunded(self) -> Decimal:
        """The money that went back, or is under way."""
        return self.purchased.returned


def quote_refund(
    *, invoice: Invoice, at: datetime, is_approval: bool = False
) -> RefundQuote:
    """Return what can be refunded of a paid purchase, as things stand.

    What waits for approval is spoken for, and cannot be asked for again. When one of
    those is to be approved, none of them is: the first that is approved has the money.

    :raises NotAPurchaseError: if the invoice is for usage.
    :raises NotPaidError: if no payment paid it.
    """
    if invoice.kind != Kind.PURCHASE:
        message = f"{invoice} is for usage: void the calls that it should not have."
        raise NotAPurchaseError(message)
    payment = find_paying_payment(invoice)
    purchased = find_purchased(payment) if payment else None
    if purchased is None or invoice.status != Status.PAID:
        message = f"{invoice} was not paid in money."
        raise NotPaidError(message)
    is_expired = _is_over(purchased.paid, at)
    contested = purchased.payment.disputes.filter(status=DisputeStatus.OPEN).exists()
    # What is left of an expired bonus is for the sweep to take.
    bonus = purchased.bonus
    voided = bonus.remaining if bonus and not _is_over(bonus, at) else ZERO
    waiting = ZERO if is_approval else _sum_waiting(purchased.payment)
    money = ZERO
    if not (is_expired or contested):
        money = _refundable(purchased, voided, at, spoken_for=waiting)
    return RefundQuote(
        purchased=purchased,
        money=money,
        credits=purchased.credits_left_for(money),
        bonus=voided if money else ZERO,
        waiting=waiting,
        is_expired=is_expired,
        is_disputed=contested,
        unapproved=_sum_unapproved(purchased.payment),
    )


def _sum_unapproved(payment: Payment) -> Decimal:
    alone = list_standing_refunds(payment).filter(kind=RefundKind.UNUSED)
    return total(alone.filter(approved_by="").values_list("amount", flat=True))


def _sum_waiting(payment: Payment) -> Decimal:
    waiting = Refund.objects.filter(payment=payment, status=RefundStatus.REQUESTED)
    return total(waiting.values_list("amount", flat=True))


def _is_over(lot: CreditLot, at: datetime) -> bool:
    return lot.expires_at is not None and lot.expires_at <= at


def _refundable(
    purchased: Purchased, bonus: Decimal, at: datetime, *, spoken_for: Decimal
) -> Decimal:
    """Return the money that unused credits are worth, and that no overdraft needs."""
    # From the whole that was never used, so that rounding never adds up.
    unused = WIDE.subtract(purchased.paid.granted, purchased.used)
    money = WIDE.subtract(purchased.worth(unused), purchased.returned)
    wallet_id = purchased.paid.wallet_id
    available = get_balance(wallet_id=wallet_id, at=at).available
    allowed = WIDE.subtract(available, bonus)
    if allowed < purchased.paid.remaining:
        money = min(money, purchased.worth(max(ZERO, allowed)))
    return max(ZERO, WIDE.subtract(money, spoken_for))


def list_entries(*, refund: Refund) -> list[Entry]:
    """Return the entries that took a refund's credits, in their order."""
    if refund.withdrawn_at is None or refund.last_entry is None:
        return []
    return list_run(
        wallet_id=refund.payment.invoice.customer.wallet_id,
        first=refund.first_entry,
        last=refund.last_entry,
        recorded_at=refund.withdrawn_at,
    )


def list_refunds(*, invoice: Invoice) -> list[Refund]:
    """Return what was asked to go back of an invoice's payments, with credit notes."""
    refunds = Refund.objects.filter(payment__invoice=invoice)
    return list(refunds.select_related("credit_note__canceled_by").order_by("pk"))


def list_decided_refunds(*, invoice: Invoice) -> list[Refund]:
    """Return the refunds that its customer sees: none that waits, or was declined."""
    unseen = (RefundStatus.REQUESTED, RefundStatus.DECLINED)
    return [each for each in list_refunds(invoice=invoice) if each.status not in unseen]


def list_disputes(*, invoice: Invoice) -> list[Dispute]:
    """Return the disputes of an invoice's payments, oldest first."""
    return list(Dispute.objects.filter(payment__invoice=invoice).order_by("pk"))


def get_refund(*, customer: Customer, refund_id: int) -> Refund:
    """Return a customer's refund, with its invoice and its credit note, if it has one.

    :raises Refund.DoesNotExist: if the customer has no such refund.
    """
    refunds = Refund.objects.select_related("payment__invoice", "credit_note")
    return refunds.get(pk=refund_id, payment__invoice__customer=customer)


def list_credit_notes(*, customer: Customer) -> QuerySet[CreditNote]:
    """Return a customer's credit notes, newest first."""
    notes = CreditNote.objects.filter(invoice__customer=customer)
    return notes.select_related(
        "invoice", "refund__payment", "cancels__refund__payment", "canceled_by"
    ).order_by("-pk")


def get_credit_note(*, customer: Customer, number: str) -> CreditNote:
    """Return a customer's credit note by its number.

    :raises CreditNote.DoesNotExist: if the customer has none with this number.
    """
    return list_credit_notes(customer=customer).get(number=number)
