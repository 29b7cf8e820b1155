from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from billing.templatetags.money import credits
from invoices.admin.refunding import RefundingAdmin
from invoices.models import (
    AppliedCredit,
    CreditNote,
    Dispute,
    Invoice,
    InvoiceLine,
    Kind,
    NumberSeries,
    Payment,
    Refund,
)
from invoices.queries.listing import get_amount_refunded
from invoices.queries.refunds import list_disputes, list_refunds
from ledger.admin import AMOUNT, ReadOnlyAdmin, exactly, in_currency, link_to
from ledger.money import ZERO, format_exact

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import TabularInline
else:
    from unfold.admin import TabularInline

EXACT_AMOUNT = exactly("exact_amount")
# Django takes columns here too, whatever its types say.
_LINE_FIELDS: Any = (
    "position",
    "description",
    "calls",
    exactly("quantity"),
    in_currency("exact_amount", of="invoice.currency"),
    in_currency("amount", of="invoice.currency"),
)
_PAYMENT_FIELDS: Any = (
    "provider",
    "reference",
    in_currency("amount"),
    "status",
    "ended_at",
)
_NOTE_FIELDS: Any = ("note", in_currency("total"), "cancels", "reason", "issued_at")


class InvoiceLineInline(TabularInline[InvoiceLine, Invoice]):
    model = InvoiceLine
    fields = readonly_fields = _LINE_FIELDS
    ordering = ("position",)
    can_delete = False
    extra = max_num = 0

    def has_add_permission(
        self, request: HttpRequest, obj: Invoice | None = None
    ) -> bool:
        return False


class PaymentInline(TabularInline[Payment, Invoice]):
    model = Payment
    fields = readonly_fields = _PAYMENT_FIELDS
    can_delete = False
    extra = max_num = 0

    def has_add_permission(
        self, request: HttpRequest, obj: Invoice | None = None
    ) -> bool:
        return False


class CreditNoteInline(TabularInline[CreditNote, Invoice]):
    model = CreditNote
    fields = readonly_fields = _NOTE_FIELDS
    can_delete = False
    extra = max_num = 0

    def has_add_permission(
        self, request: HttpRequest, obj: Invoice | None = None
    ) -> bool:
        return False

    @admin.display(description="credit note")
    def note(self, note: CreditNote) -> SafeString:
        return link_to(note)


_AMOUNTS = tuple(
    in_currency(name)
    for name in ("total", "credits_applied", "carried_over", "amount_due")
)


@admin.register(Invoice)
class InvoiceAdmin(RefundingAdmin):
    list_display = (
        "__str__",
        "customer",
        "kind",
        "status",
        "period_start",
        *_AMOUNTS,
        "paid_at",
    )
    list_filter = ("kind", "status")
    list_select_related = ("customer",)
    search_fields = ("=number", "=customer__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    inlines = [InvoiceLineInline, PaymentInline, CreditNoteInline]

    def get_fields(self, request: HttpRequest, obj: Invoice | None = None) -> list[Any]:
        # A period is of usage, and what was bought is of a purchase.
        is_purchase = obj is not None and obj.kind == Kind.PURCHASE
        what = _PURCHASE if is_purchase else _USAGE
        return [*_NAMES, *what, *_AMOUNTS, *_MONEY, *_TIMES]

    @admin.display(description="credits")
    def bought(self, invoice: Invoice) -> str:
        pack = invoice.pack
        if pack is None:
            return credits(invoice.credits or ZERO)
        bonus = f", and {credits(pack.bonus_credits)} as a bonus"
        return f"{credits(pack.credits)}{bonus if pack.bonus_credits else ''}"

    @admin.display(description="amount refunded")
    def amount_refunded(self, invoice: Invoice) -> str:
        refunded = get_amount_refunded(invoice=invoice)
        return format_exact(refunded, invoice.currency)

    @admin.display(description="refunds")
    def refunds(self, invoice: Invoice) -> SafeString | str:
        return _list_links(list_refunds(invoice=invoice))

    @admin.display(description="disputes")
    def disputes(self, invoice: Invoice) -> SafeString | str:
        return _list_links(list_disputes(invoice=invoice))


def _list_links(rows: Iterable[Refund | Dispute]) -> SafeString | str:
    """Write a line for each: what it is, how much money, and how it stands."""
    lines = (
        (link_to(row), format_exact(row.amount, row.currency), row.get_status_display())
        for row in rows
    )
    return format_html_join("", "<p>{}: {}, {}</p>", lines) or "-"


_NAMES = ("number", "customer", "kind", "status")
_USAGE = ("period_start", "period_end")
_PURCHASE = ("pack", "bought", "order_key")
_MONEY = (in_currency("amount_paid"), "amount_refunded", "refunds", "disputes")
_TIMES = ("drafted_at", "finalized_at", "paid_at")


@admin.register(InvoiceLine)
class InvoiceLineAdmin(ReadOnlyAdmin[InvoiceLine]):
    list_display = ("invoice", "position", "description", EXACT_AMOUNT, AMOUNT)
    list_select_related = ("invoice",)
    search_fields = ("=invoice__number",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(AppliedCredit)
class AppliedCreditAdmin(ReadOnlyAdmin[AppliedCredit]):
    list_display = ("invoice", "lot", AMOUNT)
    list_select_related = ("invoice", "lot")
    search_fields = ("=invoice__number",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin[Payment]):
    list_display = (
        "reference",
        "provider",
        "invoice",
        in_currency("amount"),
        "status",
        "ended_at",
        "asked",
        "ask_failure",
    )
    list_filter = ("status", "provider", ("ask_failure", admin.EmptyFieldListFilter))
    list_select_related = ("invoice",)
    search_fields = ("=reference", "=invoice__number")
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(NumberSeries)
class NumberSeriesAdmin(ReadOnlyAdmin[NumberSeries]):
    list_display = ("series", "year", "last")
    ordering = ("-year", "series")
