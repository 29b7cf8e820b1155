from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.models import ContextBand, Rate, RateCard, RateTier
from billing.pricing.conditions import read_when
from billing.pricing.diff import describe_when
from ledger.admin import ReadOnlyAdmin, exactly

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin

PRICE = exactly("price")
MULTIPLIER = exactly("multiplier")


@admin.register(RateCard)
class RateCardAdmin(ModelAdmin[RateCard]):
    list_display = ("code", "name", "currency", "recorded_at", "next_version")
    search_fields = ("=code", "^name")
    ordering = ("code",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: RateCard | None = None
    ) -> tuple[str, ...]:
        return ("code", "currency") if obj else ()

    def has_delete_permission(
        self, request: HttpRequest, obj: RateCard | None = None
    ) -> bool:
        is_empty = obj is not None and not obj.versions.exists()
        return is_empty and super().has_delete_permission(request, obj)

    @admin.display(description="next version")
    def next_version(self, card: RateCard) -> SafeString:
        url = reverse("admin:billing_ratecardversion_add")
        return format_html('<a href="{}?rate_card={}">Draft</a>', url, card.pk)


@admin.register(Rate)
class RateAdmin(ReadOnlyAdmin[Rate]):
    list_display = (
        "version",
        "model",
        "dimension",
        "conditions",
        PRICE,
        "unit",
        "unit_name",
        "per_period",
    )
    list_select_related = ("version__rate_card",)
    search_fields = ("=model",)
    ordering = ("-pk",)

    @admin.display(description="for calls with")
    def conditions(self, rate: Rate) -> str:
        return describe_when(read_when(rate.when))


@admin.register(RateTier)
class RateTierAdmin(ReadOnlyAdmin[RateTier]):
    list_display = ("rate", "position", exactly("up_to"), PRICE, exactly("flat"))
    list_select_related = ("rate",)
    search_fields = ("=rate__model",)
    ordering = ("-pk",)


@admin.register(ContextBand)
class ContextBandAdmin(ReadOnlyAdmin[ContextBand]):
    list_display = ("version", "model", "words", MULTIPLIER)
    list_select_related = ("version__rate_card",)
    search_fields = ("=model",)
    ordering = ("-pk",)
