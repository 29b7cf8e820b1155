"""What of a purchase can be refunded, and what a refund would take. Nothing writes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
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
from ledger.models import Book, CreditLot, Entry
from ledger.money import WIDE, ZERO, as_text, round_to_currency, total
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
    is no longer ours.
    """

    purchased: Purchased
    money: Decimal
    credits: Decimal
    bonus: Decimal
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


@dataclass(frozen=True, slots=True)
class PlannedEntry:
    """Credits to be taken from a lot, and the book that they go to."""

    lot: CreditLot
    amount: Decimal
    book: Book


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPlan:
    """What a refund of an amount would take, in the order of its entries."""

    quote: RefundQuote
    money: Decimal
    credits: Decimal
    bonus: Decimal
    entries: list[PlannedEntry]

    @property
    def approval_above(self) -> Decimal:
        """What may go back without a second person: less what did so already."""
        allowed = WIDE.subtract(settings.REFUND_APPROVAL_ABOVE, self.quote.unapproved)
        return max(ZERO, allowed)

    @property
    def needs_approval(self) -> bool:
        """Whether a second person has to approve of it."""
        return self.money > self.approval_above


def quote_refund(*, invoice: Invoice, at: datetime) -> RefundQuote:
    """Return what can be refunded of a paid purchase, as things stand.

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
    money = ZERO
    if not (is_expired or contested):
        money = _refundable(purchased, voided, at)
    return RefundQuote(
        purchased=purchased,
        money=money,
        credits=_credits_for(purchased, money),
        bonus=voided if money else ZERO,
        is_expired=is_expired,
        is_disputed=contested,
        unapproved=_sum_unapproved(purchased.payment),
    )


def _sum_unapproved(payment: Payment) -> Decimal:
    alone = list_standing_refunds(payment).filter(kind=RefundKind.UNUSED)
    return total(alone.filter(approved_by="").values_list("amount", flat=True))


def _is_over(lot: CreditLot, at: datetime) -> bool:
    return lot.expires_at is not None and lot.expires_at <= at


def _refundable(purchased: Purchased, bonus: Decimal, at: datetime) -> Decimal:
    """Return the money that unused credits are worth, and that no overdraft needs."""
    # From the whole that was never used, so that rounding never adds up.
    unused = WIDE.subtract(purchased.paid.granted, purchased.used)
    money = WIDE.subtract(purchased.worth(unused), purchased.returned)
    wallet_id = purchased.paid.wallet_id
    available = get_balance(wallet_id=wallet_id, at=at).available
    allowed = WIDE.subtract(available, bonus)
    if allowed < purchased.paid.remaining:
        money = min(money, purchased.worth(max(ZERO, allowed)))
    return max(ZERO, money)


def _credits_for(purchased: Purchased, money: Decimal) -> Decimal:
    return min(purchased.credits_for(money), purchased.paid.remaining)


def plan_refund(*, quote: RefundQuote, amount: Decimal | None) -> RefundPlan:
    """Return what a refund of an amount would take; without one, of all there is.

    :raises AmountNotRefundableError: if the amount cannot be paid in its currency.
    :raises RefundTooLargeError: if more is asked for than can be refunded.
    """
    money = quote.money if amount is None else amount
    if amount is not None:
        _check_amount(amount, quote.currency)
    if not quote.money:
        raise NothingToRefundError(_why_nothing(quote))
    if money > quote.money:
        asked, most = as_text(money), as_text(quote.money)
        message = f"{asked} {quote.currency} is more than {most}, which is unused."
        raise RefundTooLargeError(message)
    credits = _credits_for(quote.purchased, money)
    return RefundPlan(
        quote=quote,
        money=money,
        credits=credits,
        bonus=quote.bonus,
        entries=_plan_entries(quote.purchased, quote.bonus, credits),
    )


def _check_amount(amount: Decimal, currency: str) -> None:
    if amount <= 0 or round_to_currency(amount, currency) != amount:
        message = f"{as_text(amount)} {currency} cannot be paid."
        raise AmountNotRefundableError(message)


def _why_nothing(quote: RefundQuote) -> str:
    if quote.is_disputed:
        return "Nothing can be refunded while the payment is disputed at its bank."
    if quote.is_expired:
        return "Nothing can be refunded: the credits have expired."
    return "Nothing is left to refund."


def _plan_entries(
    purchased: Purchased, bonus: Decimal, credits: Decimal
) -> list[PlannedEntry]:
    """Return the entries of a refund: the bonus first."""
    entries = []
    if purchased.bonus and bonus:
        entries.append(PlannedEntry(purchased.bonus, bonus, Book.PROMOTION))
    entries.append(PlannedEntry(purchased.paid, credits, Book.REFUNDED))
    return entries


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
    return list(refunds.select_related("credit_note").order_by("pk"))


def list_decided_refunds(*, invoice: Invoice) -> list[Refund]:
    """Return the refunds that its customer sees: none that waits, or was declined."""
    unseen = (RefundStatus.REQUESTED, RefundStatus.DECLINED)
    return [each for each in list_refunds(invoice=invoice) if each.status not in unseen]


def is_disputed(*, invoice: Invoice) -> bool:
    """Tell whether a payment of an invoice is contested, and its credits are frozen."""
    disputes = Dispute.objects.filter(payment__invoice=invoice)
    return disputes.filter(status=DisputeStatus.OPEN).exists()


def list_credit_notes(*, customer: Customer) -> QuerySet[CreditNote]:
    """Return a customer's credit notes, newest first."""
    notes = CreditNote.objects.filter(invoice__customer=customer)
    return notes.select_related("invoice", "refund__payment").order_by("-pk")


def get_credit_note(*, customer: Customer, number: str) -> CreditNote:
    """Return a customer's credit note by its number.

    :raises CreditNote.DoesNotExist: if the customer has none with this number.
    """
    return list_credit_notes(customer=customer).get(number=number)
