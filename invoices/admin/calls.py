"""Calls for operators: registered here, since billing cannot know their invoices."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from billing import exact_json
from billing.admin.corrections import CorrectingAdmin
from billing.models import Charge, UsageEvent
from billing.queries.calls import find_events
from billing.queries.explaining import explain_charge
from invoices.queries import get_call
from invoices.queries.preview import CorrectionPreview, preview_correction
from ledger.admin import AMOUNT, HistoryAdmin, exactly


@admin.register(UsageEvent)
class UsageEventAdmin(CorrectingAdmin[UsageEvent], HistoryAdmin[UsageEvent]):
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
        "api_key",
        "event_name",
        "model",
        "occurred_at",
        "recorded_at",
        "posted_properties",
        "version",
        "amount",
        "waived",
        "charges",
        "entries",
        "balance_after",
        "period_start",
        "correction",
        "amends",
    )
    readonly_fields = (
        "posted_properties",
        "charges",
        "entries",
        "correction",
        "amends",
    )

    def preview(self, row: UsageEvent) -> CorrectionPreview:
        return preview_correction(customer=row.customer, key=row.idempotency_key)

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

    @admin.display(description="correction")
    def correction(self, event: UsageEvent) -> str:
        call = get_call(customer=event.customer, key=event.idempotency_key)
        back = call.taken_back
        if back is None:
            return "-"
        made = back.correction
        url = reverse("admin:billing_correction_change", args=[made.pk])
        instead = f" {back.replacement} stands instead." if back.replacement else ""
        return format_html(
            '<p><a href="{}">{}</a> by {}: “{}”.{}</p>{}{}',
            *(url, made, made.actor, made.reason, instead),
            format_html_join("", "<p>{}</p>", ((c.explanation,) for c in back.charges)),
            format_html_join(
                "", "<p>{}: {}</p>", ((e, e.lot or "overdraft") for e in back.entries)
            ),
        )

    @admin.display(description="stands instead of")
    def amends(self, event: UsageEvent) -> str:
        call = get_call(customer=event.customer, key=event.idempotency_key)
        return call.amends or "-"


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
