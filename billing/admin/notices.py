from django.contrib import admin

from billing.models import BalanceAlert, Notice
from ledger.admin import HistoryAdmin, ReadOnlyAdmin, exactly


@admin.register(BalanceAlert)
class BalanceAlertAdmin(ReadOnlyAdmin[BalanceAlert]):
    list_display = (
        "customer",
        "purpose",
        exactly("threshold"),
        "is_armed",
        "crossings",
        "crossed_at",
    )
    list_filter = ("purpose", "is_armed")
    list_select_related = ("customer",)
    search_fields = ("=customer__external_id",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Notice)
class NoticeAdmin(HistoryAdmin[Notice]):
    list_display = (
        "recorded_at",
        "customer",
        "kind",
        "reference",
        "sent_at",
        "failures",
        "retry_at",
    )
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("customer",)
    search_fields = ("=customer__external_id", "=reference")
