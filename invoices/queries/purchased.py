"""What a payment bought, and what became of it. Nothing here writes."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet

from billing.models.credit_packs import INVOICE_PREFIX
from invoices.models import (
    Dispute,
    DisputeStatus,
    Invoice,
    Kind,
    Payment,
    PaymentStatus,
    Refund,
    RefundKind,
    RefundStatus,
)
from invoices.payments import get_payable_step
from ledger.models import CreditLot
from ledger.money import WIDE, ZERO, exact_up, floor_to_step, total
from ledger.queries import get_expired_credits

# What has not moved anything, or no longer does.
_NOT_STANDING = (RefundStatus.REQUESTED, RefundStatus.DECLINED, RefundStatus.FAILED)


def reference_of(invoice: Invoice) -> str:
    """Return what lots and entries call the invoice that they come from."""
    return f"{INVOICE_PREFIX}{invoice.number}"


def list_standing_refunds(payment: Payment) -> QuerySet[Refund]:
    """Return the refunds of a payment whose money went back, or is under way."""
    return Refund.objects.filter(payment=payment).exclude(status__in=_NOT_STANDING)


def list_standing_disputes(payment: Payment) -> QuerySet[Dispute]:
    """Return the disputes of a payment by which its bank holds its money, oldest first.

    Those that were won are not among them.
    """
    disputes = Dispute.objects.filter(payment=payment)
    return disputes.exclude(status=DisputeStatus.WON).order_by("pk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchased:
    """The lots that a payment was for, and what of them and of its money went back.

    `refunded` and `disputed` are money; `withdrawn` are the paid credits taken for
    both, `owed` the used ones that are overdraft for them.
    """

    payment: Payment
    paid: CreditLot
    bonus: CreditLot | None
    refunded: Decimal
    disputed: Decimal
    withdrawn: Decimal
    owed: Decimal

    @property
    def returned(self) -> Decimal:
        """The money that is no longer ours; no more than was paid."""
        back = WIDE.add(self.refunded, self.disputed)
        return min(self.payment.amount, back)

    @property
    def used(self) -> Decimal:
        """The paid credits that were used, or expired."""
        left = WIDE.add(self.paid.remaining, self.withdrawn)
        return WIDE.subtract(self.paid.granted, left)

    @property
    def bonus_left(self) -> Decimal:
        """What is left of the bonus."""
        return self.bonus.remaining if self.bonus else ZERO

    def worth(self, credits: Decimal) -> Decimal:
        """Return the money that paid credits stand for, as far as it can be paid.

        They are worth their share of the price, rounded down.
        """
        share = WIDE.multiply(credits, self.payment.amount)
        money = WIDE.divide(share, self.paid.granted)
        return floor_to_step(money, self.payable_step)

    @property
    def payable_step(self) -> Decimal:
        """The least by which amounts differ that can go back."""
        payment = self.payment
        return get_payable_step(currency=payment.currency, provider=payment.provider)

    def credits_for(self, money: Decimal) -> Decimal:
        """Return the paid credits that money stands for, never more than were granted.

        Rounded up, so that no money goes back without its credits.
        """
        share = WIDE.multiply(money, self.paid.granted)
        credits = exact_up(WIDE.divide(share, self.payment.amount))
        return min(credits, self.paid.granted)

    def credits_left_for(self, money: Decimal) -> Decimal:
        """Return the credits that money stands for, as far as the lot holds them."""
        return min(self.credits_for(money), self.paid.remaining)

    def owed_for(self, credits: Decimal) -> Decimal:
        """Return how many of the credits were used, and are not owed already.

        What had expired was not used: it is off the wallet, and nothing is owed for it.
        """
        expired = get_expired_credits(lot=self.paid)
        elsewhere = total([expired, self.owed])
        return max(ZERO, min(credits, WIDE.subtract(self.used, elsewhere)))


def find_purchased(payment: Payment) -> Purchased | None:
    """Return what a payment bought; nothing if it bought no credits.

    Nor did money that was paid in excess: its invoice was paid by another payment.
    """
    invoice = payment.invoice
    if invoice.kind != Kind.PURCHASE or is_excess(payment):
        return None
    reference = reference_of(invoice)
    lots = CreditLot.objects.filter(
        wallet=invoice.customer.wallet_id,
        reference__in=(reference, f"{reference}:bonus"),
    )
    found = {lot.reference: lot for lot in lots}
    refunds = list(list_standing_refunds(payment))
    disputes = list(list_standing_disputes(payment))
    both: list[Refund | Dispute] = [*refunds, *disputes]
    return Purchased(
        payment=payment,
        paid=found[reference],
        bonus=found.get(f"{reference}:bonus"),
        refunded=total(each.amount for each in refunds),
        disputed=total(each.amount for each in disputes),
        withdrawn=total(each.credits for each in both),
        owed=total(each.overdrawn_credits for each in both),
    )


def is_excess(payment: Payment) -> bool:
    """Tell whether a payment's money was not owed: it gave nothing."""
    return Refund.objects.filter(payment=payment, kind=RefundKind.EXCESS).exists()


def find_paying_payment(invoice: Invoice) -> Payment | None:
    """Return the payment that paid an invoice."""
    paying = Payment.objects.filter(
        ~Q(refunds__kind=RefundKind.EXCESS),
        invoice=invoice,
        status=PaymentStatus.SUCCEEDED,
    )
    return paying.select_related("invoice__customer").order_by("pk").first()
