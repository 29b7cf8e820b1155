from django.contrib import admin

from invoices.models import EventRetry, ProviderEvent
from ledger.admin import HistoryAdmin, ReadOnlyAdmin


@admin.register(ProviderEvent)
class ProviderEventAdmin(HistoryAdmin[ProviderEvent]):
    list_display = (
        "event_id",
        "provider",
        "kind",
        "recorded_at",
        "handled_at",
        "failure",
    )
    list_filter = ("provider", ("handled_at", admin.EmptyFieldListFilter))
    list_select_related = ("retry",)
    search_fields = ("=event_id",)
    readonly_fields = ("tries", "failure")

    @admin.display(description="tried again")
    def tries(self, event: ProviderEvent) -> int:
        return event.retry.tries if hasattr(event, "retry") else 0

    @admin.display(description="last failure")
    def failure(self, event: ProviderEvent) -> str:
        return event.retry.failure if hasattr(event, "retry") else ""


@admin.register(EventRetry)
class EventRetryAdmin(ReadOnlyAdmin[EventRetry]):
    list_display = ("event", "tries", "retry_at", "failure")
    list_select_related = ("event",)
    search_fields = ("=event__event_id",)
    ordering = ("-pk",)
    show_full_result_count = False
