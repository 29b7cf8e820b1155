from django.contrib import admin

from invoices.models import CreditNote, Dispute
from ledger.admin import HistoryAdmin, ReadOnlyAdmin, in_currency


@admin.register(CreditNote)
class CreditNoteAdmin(HistoryAdmin[CreditNote]):
    list_display = (
        "number",
        "invoice",
        in_currency("total"),
        "cancels",
        "reason",
        "issued_at",
    )
    list_select_related = ("invoice", "cancels")
    search_fields = ("=number", "=invoice__number")


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin[Dispute]):
    list_display = (
        "reference",
        "payment",
        in_currency("amount"),
        "status",
        "opened_at",
    )
    list_filter = ("status",)
    list_select_related = ("payment",)
    search_fields = ("=reference", "=payment__invoice__number")
    ordering = ("-pk",)
    show_full_result_count = False
