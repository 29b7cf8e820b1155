"""Reconciling a customer: what was paid for, and what became of it. Nothing writes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from billing.models import Customer
from invoices.models import (
    HELD_BY_THE_BANK,
    CreditNote,
    Dispute,
    Invoice,
    Kind,
    Refund,
    RefundStatus,
    Status,
)
from ledger.database import one_snapshot
from ledger.models import Source
from ledger.money import WIDE, ZERO, round_to_currency
from ledger.reconciliation import (
    LotRow,
    WalletReconciliation,
    differ,
    reconcile_wallet,
)

_TOOK = (RefundStatus.WITHDRAWN, RefundStatus.SENT, RefundStatus.SUCCEEDED)
_TAKEN = ("payment__invoice_id", "credits", "bonus_credits")
_CAUSE = "invoice:"


@dataclass(frozen=True, slots=True)
class Taken:
    """What refunds and disputes took of an invoice's lots, as these rows say."""

    credits: Decimal = ZERO
    bonus: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """The invoice of a purchase with the lots it granted, and what went back."""

    invoice: Invoice
    paid: LotRow | None
    bonus: LotRow | None
    taken: Taken
    credited: Decimal
    # Money that the bank holds while it decides, or has taken back.
    disputed: Decimal

    @property
    def granted(self) -> Decimal:
        """The credits of the lot that was bought."""
        return _granted(self.paid)

    @property
    def bonus_granted(self) -> Decimal:
        """The credits that came with it for free."""
        return _granted(self.bonus)

    @property
    def refunded(self) -> Decimal:
        """The credits that entries took back of both."""
        return WIDE.add(_refunded(self.paid), _refunded(self.bonus))

    @property
    def differences(self) -> list[str]:
        """Say where invoice, lots, refunds and disputes do not agree."""
        name = str(self.invoice)
        credits, bonus = _bought(self.invoice)
        price = round_to_currency(
            self.paid.lot.price_paid if self.paid else ZERO, self.invoice.currency
        )
        return [
            *differ(f"{name}, credits", credits, self.granted),
            *differ(f"{name}, bonus", bonus, self.bonus_granted),
            *differ(f"{name}, price", self.invoice.amount_paid, price),
            *differ(f"{name}, taken back", self.taken.credits, _refunded(self.paid)),
            *differ(f"{name}, bonus taken", self.taken.bonus, _refunded(self.bonus)),
        ]

    @property
    def is_equal(self) -> bool:
        """Whether all of them agree."""
        return not self.differences

    @property
    def was_never_paid(self) -> bool:
        """Whether it was ordered and no more, so that there is nothing to compare."""
        return self.invoice.status != Status.PAID and self.is_equal


@dataclass(frozen=True, slots=True)
class CustomerReconciliation:
    """A customer's wallet and purchases, compared with each other and their entries.

    `strays` are purchased lots that name an invoice the customer does not have.
    """

    customer: Customer
    wallet: WalletReconciliation
    purchases: list[PurchaseRow]
    strays: list[LotRow]

    @property
    def settled_purchases(self) -> list[PurchaseRow]:
        """The purchases that were paid, and whatever differs."""
        return [row for row in self.purchases if not row.was_never_paid]

    @property
    def never_paid(self) -> str:
        """Say how many purchases are left out, since they were never paid."""
        left_out = len(self.purchases) - len(self.settled_purchases)
        if not left_out:
            return ""
        which = "purchase that was" if left_out == 1 else "purchases that were"
        return f"{left_out:,} {which} never paid: left out."

    @property
    def differences(self) -> list[str]:
        """Say everything that does not agree."""
        purchases = [line for row in self.purchases for line in row.differences]
        strays = [f"{row.lot}: there is no such invoice" for row in self.strays]
        return [*self.wallet.differences, *purchases, *strays]

    @property
    def is_equal(self) -> bool:
        """Whether everything agrees."""
        return not self.differences


def reconcile_customer(*, external_id: str) -> CustomerReconciliation:
    """Compare what a customer paid for with lots, entries, refunds and disputes.

    :raises Customer.DoesNotExist: if there is no such customer.
    """
    return _reconcile(Customer.objects.get(external_id=external_id))


def reconcile_all() -> Iterator[CustomerReconciliation]:
    """Yield every customer's reconciliation, each of a moment of its own."""
    for customer in Customer.objects.order_by("pk").iterator():
        yield _reconcile(customer)


def _reconcile(customer: Customer) -> CustomerReconciliation:
    # Of one moment, or a payment that comes in between would be a difference.
    with one_snapshot():
        wallet = reconcile_wallet(wallet_id=customer.wallet_id)
        invoices = list(_purchases(customer))
        taken = _sum_taken(customer)
        credited = _sum_credited(customer)
        disputed = _sum_disputed(customer)
    lots = {row.lot.reference: row for row in wallet.lots}
    rows = [
        PurchaseRow(
            invoice=invoice,
            paid=lots.get(f"{_CAUSE}{invoice.number}"),
            bonus=lots.get(f"{_CAUSE}{invoice.number}:bonus"),
            taken=taken.get(invoice.pk, Taken()),
            credited=credited.get(invoice.pk, ZERO),
            disputed=disputed.get(invoice.pk, ZERO),
        )
        for invoice in invoices
    ]
    return CustomerReconciliation(customer, wallet, rows, _strays(lots, rows))


def _purchases(customer: Customer) -> QuerySet[Invoice]:
    invoices = Invoice.objects.filter(customer=customer, kind=Kind.PURCHASE)
    return invoices.exclude(status=Status.DRAFT).select_related("pack").order_by("pk")


def _bought(invoice: Invoice) -> tuple[Decimal, Decimal]:
    """Return how many credits, and how many for free, payment should have granted."""
    if invoice.status != Status.PAID:
        return ZERO, ZERO
    if invoice.pack:
        return invoice.pack.credits, invoice.pack.bonus_credits
    return invoice.credits or ZERO, ZERO


def _granted(row: LotRow | None) -> Decimal:
    return row.lot.granted if row else ZERO


def _refunded(row: LotRow | None) -> Decimal:
    return row.sums.refunded.copy_negate() if row else ZERO


def _sum_taken(customer: Customer) -> dict[int, Taken]:
    of_customer = Q(payment__invoice__customer=customer)
    rows = [
        *Refund.objects.filter(of_customer, status__in=_TOOK).values_list(*_TAKEN),
        *Dispute.objects.filter(of_customer, status__in=HELD_BY_THE_BANK).values_list(
            *_TAKEN
        ),
    ]
    found: dict[int, Taken] = {}
    for invoice_id, credits, bonus in rows:
        before = found.get(invoice_id, Taken())
        found[invoice_id] = Taken(
            WIDE.add(before.credits, credits), WIDE.add(before.bonus, bonus)
        )
    return found


def _sum_credited(customer: Customer) -> dict[int, Decimal]:
    notes = CreditNote.objects.filter(invoice__customer=customer)
    return dict(notes.values_list("invoice_id").annotate(Sum("total")))


def _sum_disputed(customer: Customer) -> dict[int, Decimal]:
    disputes = Dispute.objects.filter(
        payment__invoice__customer=customer, status__in=HELD_BY_THE_BANK
    )
    return dict(disputes.values_list("payment__invoice_id").annotate(Sum("amount")))


def _strays(
    lots: Mapping[str, LotRow], purchases: Iterable[PurchaseRow]
) -> list[LotRow]:
    known = {f"{_CAUSE}{row.invoice.number}" for row in purchases}
    return [
        row
        for reference, row in lots.items()
        if row.lot.source == Source.PURCHASE
        and reference.startswith(_CAUSE)
        and reference not in known
    ]
