from django.contrib import admin

from billing.models import CallHold, GateLease
from ledger.admin import HistoryAdmin, exactly


@admin.register(GateLease)
class GateLeaseAdmin(HistoryAdmin[GateLease]):
    list_display = ("customer", exactly("amount"), "expires_at", "recorded_at")
    list_select_related = ("customer",)
    search_fields = ("=customer__external_id",)


@admin.register(CallHold)
class CallHoldAdmin(HistoryAdmin[CallHold]):
    list_display = (
        "request_id",
        "customer",
        "model",
        exactly("amount"),
        "expires_at",
        "recorded_at",
    )
    list_select_related = ("customer",)
    search_fields = ("=customer__external_id", "=request_id")
