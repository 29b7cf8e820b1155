"""Taking the credits of what a payment bought off their wallet, and back.

Everything here runs inside the transaction of a public service, with the wallet locked.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import Customer
from billing.services.alerts import review_balance
from invoices.models import Dispute, OffBecause, Payment, Refund, RefundStatus
from invoices.queries.purchased import Purchased
from invoices.services.top_ups import switch_off_auto_top_up
from ledger.models import Book, Kind
from ledger.money import ZERO
from ledger.posting import lock_wallets
from ledger.withdrawing import Run, Withdrawal, put_back, withdraw_credits


def lock_payment(payment_id: int) -> Payment:
    """Lock a payment until the transaction ends, its customer's wallet first."""
    payments = Payment.objects.select_related("invoice__customer")
    payment = payments.get(pk=payment_id)
    # The wallet's lock is taken first, as everywhere.
    lock_wallets([payment.invoice.customer.wallet_id])
    return payments.select_for_update(of=("self",)).get(pk=payment_id)


@dataclass(frozen=True, slots=True)
class Parts:
    """Credits to be taken: of the paid lot, of its bonus, and used ones."""

    credits: Decimal = ZERO
    bonus: Decimal = ZERO
    overdrawn: Decimal = ZERO


def withdrawals_of(purchased: Purchased | None, parts: Parts) -> list[Withdrawal]:
    """Return what is taken from which lot, the bonus first and overdraft last."""
    wanted: list[tuple[int | None, Decimal, Book]] = []
    if purchased:
        if purchased.bonus:
            wanted.append((purchased.bonus.pk, parts.bonus, Book.PROMOTION))
        wanted.append((purchased.paid.pk, parts.credits, Book.REFUNDED))
    wanted.append((None, parts.overdrawn, Book.REFUNDED))
    return [Withdrawal(*each) for each in wanted if each[1]]


def withdraw(
    refund: Refund,
    purchased: Purchased | None,
    parts: Parts,
    *,
    by: str,
    at: datetime,
) -> None:
    """Take a refund's credits, and note where: from here on the money is owed."""
    run = take(refund, withdrawals_of(purchased, parts), by=by, at=at)
    refund.status = RefundStatus.WITHDRAWN
    refund.credits, refund.bonus_credits = parts.credits, parts.bonus
    refund.overdrawn_credits = parts.overdrawn
    if run:
        refund.first_entry, refund.last_entry = run.first, run.last
        refund.withdrawn_at = run.recorded_at
    refund.save()


def take(
    subject: Refund | Dispute, withdrawals: list[Withdrawal], *, by: str, at: datetime
) -> Run | None:
    """Take credits off the wallet for a refund or a dispute; nothing if none are to be.

    Every entry names what it was made for.
    """
    if not withdrawals:
        return None
    is_refund = isinstance(subject, Refund)
    run = withdraw_credits(
        wallet_id=_customer_of(subject).wallet_id,
        withdrawals=withdrawals,
        kind=Kind.REFUND if is_refund else Kind.DISPUTE,
        cause=cause_of(subject),
        actor=by,
        occurred_at=at,
    )
    # What was taken back must not be bought again by itself.
    because = OffBecause.REFUND if is_refund else OffBecause.DISPUTE
    customer = _customer_of(subject)
    switch_off_auto_top_up(customer=customer, because=because, by=by, at=at)
    return run


def give_back(
    subject: Refund | Dispute, recorded_at: datetime | None, *, by: str, at: datetime
) -> None:
    """Put back what was taken for a refund or a dispute, where it was before."""
    if subject.first_entry is None or subject.last_entry is None or not recorded_at:
        return
    customer = _customer_of(subject)
    put_back(
        wallet_id=customer.wallet_id,
        run=Run(subject.first_entry, subject.last_entry, recorded_at),
        cause=cause_of(subject),
        actor=by,
        occurred_at=at,
    )


def review_alerts(payment: Payment, because: OffBecause, *, at: datetime) -> None:
    """Fire or arm alerts by what refunds and disputes of a payment left in the end.

    Not with each of their entries: what is put back to be taken anew has not risen.
    """
    words = str(OffBecause(because).label)
    customer_id = payment.invoice.customer_id
    review_balance(customer_id=customer_id, at=at, because=words)


def cause_of(subject: Refund | Dispute) -> str:
    """Return what entries call the refund or the dispute that they were made for."""
    kind = "refund" if isinstance(subject, Refund) else "dispute"
    return f"{kind}:{subject.pk}"


def _customer_of(subject: Refund | Dispute) -> Customer:
    return subject.payment.invoice.customer
