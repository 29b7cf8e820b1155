from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from invoices.admin.refunding import RefundingAdmin
from invoices.models import (
    AppliedCredit,
    CreditNote,
    Invoice,
    InvoiceLine,
    NumberSeries,
    Payment,
)
from ledger.admin import AMOUNT, ReadOnlyAdmin, exactly

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
    EXACT_AMOUNT,
    AMOUNT,
)
_PAYMENT_FIELDS: Any = ("provider", "reference", AMOUNT, "status", "ended_at")

_NOTE_FIELDS: Any = ("number", exactly("total"), "reason", "issued_at")


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


@admin.register(Invoice)
class InvoiceAdmin(RefundingAdmin):
    list_display = (
        "__str__",
        "customer",
        "kind",
        "status",
        "period_start",
        exactly("total"),
        exactly("credits_applied"),
        exactly("carried_over"),
        exactly("amount_due"),
        "paid_at",
    )
    list_filter = ("kind", "status")
    list_select_related = ("customer",)
    search_fields = ("=number", "=customer__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    inlines = [InvoiceLineInline, PaymentInline, CreditNoteInline]


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
        AMOUNT,
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
