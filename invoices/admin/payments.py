from django.contrib import admin

from invoices.models import (
    AutoTopUp,
    PaymentMethod,
    SimulatedPayment,
    SimulatedRefund,
)
from ledger.admin import AMOUNT, ReadOnlyAdmin, exactly


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ReadOnlyAdmin[PaymentMethod]):
    list_display = ("label", "customer", "provider", "removed_at")
    list_select_related = ("customer",)
    search_fields = ("=customer__external_id", "=reference")
    ordering = ("-pk",)


@admin.register(AutoTopUp)
class AutoTopUpAdmin(ReadOnlyAdmin[AutoTopUp]):
    list_display = (
        "customer",
        "is_on",
        exactly("threshold"),
        AMOUNT,
        exactly("monthly_maximum"),
        "pending",
        "failures",
        "retry_at",
        "off_because",
    )
    list_filter = ("is_on", "off_because")
    list_select_related = ("customer", "pending")
    search_fields = ("=customer__external_id",)
    ordering = ("-pk",)


@admin.register(SimulatedPayment)
class SimulatedPaymentAdmin(ReadOnlyAdmin[SimulatedPayment]):
    list_display = ("reference", AMOUNT, exactly("refunded"), "is_paid", "card")
    search_fields = ("=reference",)
    ordering = ("-pk",)


@admin.register(SimulatedRefund)
class SimulatedRefundAdmin(ReadOnlyAdmin[SimulatedRefund]):
    list_display = ("reference", "payment", AMOUNT)
    list_select_related = ("payment",)
    search_fields = ("=reference",)
    ordering = ("-pk",)
