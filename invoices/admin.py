"""Invoices for operators, and the calls that they are made of.

A call's page shows its arithmetic and its way to the invoice, which billing cannot
know: so calls and charges are registered here.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from billing import exact_json
from billing.models import Charge, UsageEvent
from billing.queries.calls import find_events
from billing.queries.explaining import explain_charge
from invoices.models import (
    AppliedCredit,
    Invoice,
    InvoiceLine,
    NumberSeries,
    Payment,
    ProviderEvent,
)
from invoices.queries import get_call
from ledger.admin import (
    AMOUNT,
    HistoryAdmin,
    ReadOnlyAdmin,
    exactly,
)

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


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin[Invoice]):
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
    inlines = [InvoiceLineInline, PaymentInline]


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
    list_display = ("reference", "provider", "invoice", AMOUNT, "status", "ended_at")
    list_filter = ("status", "provider")
    list_select_related = ("invoice",)
    search_fields = ("=reference", "=invoice__number")
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(ProviderEvent)
class ProviderEventAdmin(HistoryAdmin[ProviderEvent]):
    list_display = ("event_id", "provider", "kind", "recorded_at")
    search_fields = ("=event_id",)


@admin.register(NumberSeries)
class NumberSeriesAdmin(ReadOnlyAdmin[NumberSeries]):
    list_display = ("series", "year", "last")
    ordering = ("-year", "series")


@admin.register(UsageEvent)
class UsageEventAdmin(HistoryAdmin[UsageEvent]):
    list_display = (
        "idempotency_key",
        "customer",
        "model",
        AMOUNT,
        "occurred_at",
        "recorded_at",
    )
    list_select_related = ("customer",)
    search_fields = ("=idempotency_key",)
    fields = (
        "idempotency_key",
        "customer",
        "event_name",
        "model",
        "occurred_at",
        "recorded_at",
        "posted_properties",
        "version",
        "amount",
        "charges",
        "entries",
        "balance_after",
        "period_start",
    )
    readonly_fields = ("posted_properties", "charges", "entries")

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[UsageEvent],
        search_term: str,
    ) -> tuple[QuerySet[UsageEvent], bool]:
        if not search_term:
            return queryset, False
        return find_events(queryset, key=search_term), False

    @admin.display(description="properties")
    def posted_properties(self, event: UsageEvent) -> str:
        return exact_json.encode(event.properties).decode()

    @admin.display(description="charges")
    def charges(self, event: UsageEvent) -> SafeString:
        call = get_call(customer=event.customer, key=event.idempotency_key)
        rows = (
            (each.explanation, each.line or "not invoiced") for each in call.charges
        )
        return format_html_join("", "<p>{} ({})</p>", rows)

    @admin.display(description="entries")
    def entries(self, event: UsageEvent) -> SafeString:
        call = get_call(customer=event.customer, key=event.idempotency_key)
        rows = ((entry, entry.lot or "overdraft") for entry in call.entries)
        return format_html_join("", "<p>{}: {}</p>", rows)


@admin.register(Charge)
class ChargeAdmin(HistoryAdmin[Charge]):
    list_display = (
        "event_id",
        "customer",
        "model",
        "dimension",
        exactly("quantity"),
        exactly("unit_price"),
        exactly("multiplier"),
        AMOUNT,
        "occurred_at",
    )
    list_select_related = ("customer", "rate__version__rate_card")
    readonly_fields = ("arithmetic",)

    def arithmetic(self, charge: Charge) -> str:
        return explain_charge(charge)
