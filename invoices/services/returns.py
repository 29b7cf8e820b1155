"""Keeping what is off a wallet equal to the money that is no longer ours.

Everything here runs inside the transaction of a public service, with the wallet and
then the payment locked.
"""

from datetime import datetime
from decimal import Decimal

from django.utils.crypto import get_random_string

from invoices.models import (
    Dispute,
    DisputeStatus,
    Kind,
    Payment,
    Refund,
    RefundKind,
    RefundStatus,
)
from invoices.queries.purchased import (
    Purchased,
    find_purchased,
    is_excess,
    list_standing_disputes,
    list_standing_refunds,
)
from invoices.services.crediting import issue_credit_note
from invoices.services.settlement import usage_due
from invoices.services.taking import Parts, give_back, take, withdraw, withdrawals_of
from ledger.money import WIDE, ZERO, total

ACTOR = "payment provider"


def take_in_provider_refunds(payment: Payment, *, at: datetime) -> Refund | None:
    """Note what the provider gave back beyond the refunds that stand, if anything.

    The credits of that money are taken as far as they are left. What was used of them
    is owed.
    """
    refunds = list_standing_refunds(payment)
    known = total(refunds.values_list("amount", flat=True))
    amount = WIDE.subtract(payment.refunded_at_provider, known)
    if amount <= 0:
        return None
    _thaw_all(payment, at=at)
    refund = _make(payment, amount, at=at)
    purchased = find_purchased(payment)
    parts = _parts(purchased, amount) if purchased else Parts()
    withdraw(refund, purchased, parts, by=ACTOR, at=at)
    refund.status, refund.ended_at = RefundStatus.SUCCEEDED, at
    refund.save()
    issue_credit_note(refund, at=at)
    reclaim(payment, at=at)
    return refund


def _make(payment: Payment, amount: Decimal, *, at: datetime) -> Refund:
    """Begin a refund that the provider has made; of excess money it stays that."""
    reference = get_random_string(32)
    return Refund.objects.create(
        payment=payment,
        kind=RefundKind.EXCESS if is_excess(payment) else RefundKind.PROVIDER,
        key=f"provider:{reference}",
        reference=reference,
        currency=payment.currency,
        amount=amount,
        reason="refunded at the payment provider",
        requested_by=ACTOR,
        requested_at=at,
        approval_above=ZERO,
    )


def _parts(purchased: Purchased, money: Decimal) -> Parts:
    """Return what money that is gone takes: what is left, and what was used is owed."""
    wanted = purchased.credits_for(money)
    credits = min(wanted, purchased.paid.remaining)
    missing = WIDE.subtract(wanted, credits)
    return Parts(credits, purchased.bonus_left, purchased.owed_for(missing))


def reclaim(payment: Payment, *, at: datetime) -> None:
    """Take what the payment's disputes call for as things stand; twice is once.

    While one is open, what is left is frozen; since it was lost, what was used is owed.
    Money counts once: what a refund has taken is not taken again.
    """
    for dispute in list_standing_disputes(payment):
        dispute.payment = payment
        _freeze(dispute, at=at)
        if dispute.status == DisputeStatus.LOST:
            _owe(dispute, at=at)


def _freeze(dispute: Dispute, *, at: datetime) -> None:
    purchased = find_purchased(dispute.payment)
    if purchased is None:
        return
    # What is owed for it is not frozen too, when it comes back.
    owed = dispute.overdrawn_credits
    wanted = WIDE.subtract(purchased.credits_for(_contested(dispute)), owed)
    wanted = max(ZERO, wanted)
    left = WIDE.add(purchased.paid.remaining, dispute.credits)
    bonus = WIDE.add(purchased.bonus_left, dispute.bonus_credits)
    parts = Parts(min(wanted, left), bonus)
    if (parts.credits, parts.bonus) == (dispute.credits, dispute.bonus_credits):
        return
    _thaw(dispute, at=at)
    # What has expired meanwhile did not return.
    fresh = find_purchased(dispute.payment) or purchased
    parts = Parts(min(wanted, fresh.paid.remaining), fresh.bonus_left)
    _note_frozen(dispute, fresh, parts, at=at)


def _note_frozen(
    dispute: Dispute, purchased: Purchased, parts: Parts, *, at: datetime
) -> None:
    run = take(dispute, withdrawals_of(purchased, parts), by=ACTOR, at=at)
    dispute.credits, dispute.bonus_credits = parts.credits, parts.bonus
    if run:
        dispute.first_entry, dispute.last_entry = run.first, run.last
        dispute.frozen_at = run.recorded_at
    dispute.save()


def _thaw(dispute: Dispute, *, at: datetime) -> None:
    """Put back what is frozen for a dispute, to be taken anew."""
    give_back(dispute, dispute.frozen_at, by=ACTOR, at=at)
    dispute.credits = dispute.bonus_credits = ZERO
    dispute.first_entry, dispute.last_entry, dispute.frozen_at = None, None, None
    dispute.save()


def _thaw_all(payment: Payment, *, at: datetime) -> None:
    """Let a refund take first what is frozen: its money is gone for good."""
    for dispute in list_standing_disputes(payment):
        dispute.payment = payment
        _thaw(dispute, at=at)


def _owe(dispute: Dispute, *, at: datetime) -> None:
    """Turn what was used of a lost dispute's money into overdraft, once."""
    missing = _missing(dispute)
    if missing <= 0:
        return
    take(dispute, withdrawals_of(None, Parts(overdrawn=missing)), by=ACTOR, at=at)
    dispute.overdrawn_credits = WIDE.add(dispute.overdrawn_credits, missing)
    dispute.save()


def _missing(dispute: Dispute) -> Decimal:
    """Return what was used of the money, and is not owed for it yet."""
    purchased = find_purchased(dispute.payment)
    money = _contested(dispute)
    if purchased:
        wanted = purchased.credits_for(money)
        had = total([dispute.credits, dispute.overdrawn_credits])
        return purchased.owed_for(WIDE.subtract(wanted, had))
    invoice = dispute.payment.invoice
    if invoice.kind == Kind.PURCHASE or is_excess(dispute.payment):
        return ZERO
    # Usage that was paid for in money is on the wallet again, as before.
    disputes = list_standing_disputes(dispute.payment)
    owed = total(disputes.values_list("overdrawn_credits", flat=True))
    unpaid = WIDE.subtract(usage_due(invoice), owed)
    return min(WIDE.subtract(money, dispute.overdrawn_credits), unpaid)


def _contested(dispute: Dispute) -> Decimal:
    """Return the money that went back by the dispute, not by a refund before."""
    payment = dispute.payment
    refunds = list_standing_refunds(payment).values_list("amount", flat=True)
    rest = WIDE.subtract(payment.amount, total(refunds))
    return max(ZERO, min(dispute.amount, rest))
