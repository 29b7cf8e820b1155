"""What a refund of an amount would take, or why there is none. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from invoices.models import Invoice
from invoices.queries.purchased import Purchased
from invoices.queries.refunds import (
    AmountNotRefundableError,
    NothingToRefundError,
    NotRefundableError,
    RefundQuote,
    RefundTooLargeError,
    quote_refund,
)
from ledger.models import Book, CreditLot
from ledger.money import WIDE, ZERO, as_text, floor_to_step, format_money
from ledger.queries import get_expired_credits


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


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """What people see before a refund of an amount.

    `problem` says why nothing at all can be refunded, `refusal` why not this amount.
    Where there is neither, there is a plan.
    """

    quote: RefundQuote | None = None
    plan: RefundPlan | None = None
    problem: str = ""
    refusal: str = ""


def preview_refund(
    *,
    invoice: Invoice,
    amount: Decimal | None,
    at: datetime,
    is_approval: bool = False,
) -> RefundPreview:
    """Return what a refund of an amount would take, or in words why there is none.

    Without an amount it is of all there is. With `is_approval`, what waits for approval
    may be refunded.
    """
    try:
        quote = quote_refund(invoice=invoice, at=at, is_approval=is_approval)
    except NotRefundableError as error:
        return RefundPreview(problem=str(error))
    if not quote.money:
        return RefundPreview(quote, problem=_why_nothing(quote))
    try:
        return RefundPreview(quote, plan_refund(quote=quote, amount=amount))
    except NotRefundableError as error:
        return RefundPreview(quote, refusal=str(error))


def plan_refund(*, quote: RefundQuote, amount: Decimal | None) -> RefundPlan:
    """Return what a refund of an amount would take; without one, of all there is.

    :raises AmountNotRefundableError: if the amount cannot be paid in its currency.
    :raises RefundTooLargeError: if more is asked for than can be refunded.
    """
    money = quote.money if amount is None else amount
    if amount is not None:
        _check_amount(amount, quote)
    if not quote.money:
        raise NothingToRefundError(_why_nothing(quote))
    if money > quote.money:
        asked, most = as_text(money), as_text(quote.money)
        message = f"{asked} {quote.currency} is more than {most}, which can go back."
        raise RefundTooLargeError(message)
    credits = quote.purchased.credits_left_for(money)
    return RefundPlan(
        quote=quote,
        money=money,
        credits=credits,
        bonus=quote.bonus,
        entries=_plan_entries(quote.purchased, quote.bonus, credits),
    )


def _check_amount(amount: Decimal, quote: RefundQuote) -> None:
    step = quote.purchased.payable_step
    if amount <= 0 or floor_to_step(amount, step) != amount:
        message = (
            f"{as_text(amount)} {quote.currency} cannot be paid:"
            f" amounts are above zero, in steps of {as_text(step)}."
        )
        raise AmountNotRefundableError(message)


def _why_nothing(quote: RefundQuote) -> str:
    if quote.is_disputed:
        return "Nothing can be refunded while the payment is disputed at its bank."
    if quote.waiting and not quote.is_expired:
        waiting = format_money(quote.waiting, quote.currency)
        return f"{waiting} waits for approval, and nothing else is left to refund."
    return _why_none_is_left(quote.purchased, is_expired=quote.is_expired)


def _why_none_is_left(purchased: Purchased, *, is_expired: bool) -> str:
    if purchased.returned == purchased.payment.amount:
        return "All of its money went back already."
    if get_expired_credits(lot=purchased.paid):
        return "What was left of its credits has expired."
    if not purchased.paid.remaining:
        return _why_none_remains(purchased)
    if is_expired:
        return "What was left of its credits has expired."
    return "What is left of its credits is owed for usage, or is worth no coin."


def _why_none_remains(purchased: Purchased) -> str:
    if purchased.returned:
        return "Its credits were used, but for those that went back already."
    return "All of its credits were used."


def _plan_entries(
    purchased: Purchased, bonus: Decimal, credits: Decimal
) -> list[PlannedEntry]:
    """Return the entries of a refund: the bonus first."""
    entries = []
    if purchased.bonus and bonus:
        entries.append(PlannedEntry(purchased.bonus, bonus, Book.PROMOTION))
    entries.append(PlannedEntry(purchased.paid, credits, Book.REFUNDED))
    return entries
