from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing.models import BalanceAlert, Notice
from billing.services.notices import give_up_notice
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
        "given_up_at",
    )
    list_filter = (
        "kind",
        ("sent_at", admin.EmptyFieldListFilter),
        ("given_up_at", admin.EmptyFieldListFilter),
    )
    actions = ["give_up"]
    list_select_related = ("customer",)
    search_fields = ("=customer__external_id", "=reference")

    def has_give_up_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.change_notice")

    @admin.action(description="Do not send", permissions=["give_up"])
    def give_up(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        now = timezone.now()
        given_up = sum(give_up_notice(notice_id=each.pk, at=now) for each in queryset)
        text = f"{given_up} will not be sent; the others were sent or given up before."
        messages.success(request, text)
