from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing.admin.corrections import CorrectingAdmin
from billing.models import (
    FundingRollup,
    IdempotencyClaim,
    KeyRollup,
    QuarantinedEvent,
    Stream,
    StreamChunk,
    TrueUp,
    UsageRollup,
)
from billing.queries.calls import filter_by_key
from billing.queries.quarantine import ReasonCount, count_waiting
from billing.services.quarantine import retry_quarantined
from ledger.admin import AMOUNT, HistoryAdmin, exactly


@admin.register(IdempotencyClaim)
class IdempotencyClaimAdmin(HistoryAdmin[IdempotencyClaim]):
    list_display = ("key", "customer", "occurred_at", "recorded_at")
    list_select_related = ("customer",)
    search_fields = ("=key",)
    exclude = ("fingerprint",)

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[IdempotencyClaim],
        search_term: str,
    ) -> tuple[QuerySet[IdempotencyClaim], bool]:
        if not search_term:
            return queryset, False
        return filter_by_key(queryset, key=search_term), False


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(CorrectingAdmin[QuarantinedEvent]):
    list_display = (
        "idempotency_key",
        "customer",
        "reason",
        "detail",
        "occurred_at",
        "resolved_at",
    )
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "reason")
    list_select_related = ("customer",)
    search_fields = ("=idempotency_key", "=customer__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ["retry"]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.change_quarantinedevent")

    @admin.action(description="Price them again", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[QuarantinedEvent]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        retry = retry_quarantined(event_ids=ids, received_at=timezone.now())
        staying = _describe_waiting(count_waiting(event_ids=ids))
        messages.info(request, f"{retry.recorded} were priced and recorded. {staying}")


def _describe_waiting(counts: list[ReasonCount]) -> str:
    """Write how many events stay, and why: "6 stay: 5 unknown model, 1 …"."""
    if not counts:
        return "None stays."
    reasons = (f"{each.events} {each.reason.replace('_', ' ')}" for each in counts)
    return f"{sum(each.events for each in counts)} stay: {', '.join(reasons)}."


@admin.register(Stream)
class StreamAdmin(HistoryAdmin[Stream]):
    list_display = ("key", "customer", "last_chunk_at", "closed_at", "is_cut")
    list_select_related = ("customer",)
    search_fields = ("=key",)


@admin.register(StreamChunk)
class StreamChunkAdmin(HistoryAdmin[StreamChunk]):
    list_display = ("stream", "sequence", "is_final", "occurred_at", "recorded_at")
    list_select_related = ("stream",)
    exclude = ("fingerprint",)


@admin.register(UsageRollup)
class UsageRollupAdmin(HistoryAdmin[UsageRollup]):
    list_display = (
        "customer",
        "period_start",
        "day",
        "model",
        "rate",
        "band",
        "calls",
        exactly("quantity"),
        AMOUNT,
    )
    list_select_related = ("customer", "rate", "band")
    search_fields = ("=customer__external_id",)


@admin.register(KeyRollup)
class KeyRollupAdmin(HistoryAdmin[KeyRollup]):
    list_display = ("customer", "api_key", "day", "model", "calls", AMOUNT)
    list_select_related = ("customer", "api_key")
    search_fields = ("=customer__external_id", "=api_key__prefix")


@admin.register(FundingRollup)
class FundingRollupAdmin(HistoryAdmin[FundingRollup]):
    list_display = ("customer", "period_start", "lot", AMOUNT)
    list_select_related = ("customer", "lot")
    search_fields = ("=customer__external_id",)


@admin.register(TrueUp)
class TrueUpAdmin(HistoryAdmin[TrueUp]):
    list_display = (
        "customer",
        "period_start",
        "model",
        "rate",
        "tier",
        exactly("quantity"),
        exactly("charged"),
        AMOUNT,
    )
    list_select_related = ("customer", "rate")
    search_fields = ("=customer__external_id",)
