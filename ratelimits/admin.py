from typing import TYPE_CHECKING

from django.contrib import admin

from ratelimits.models import RateLimit, RateLimitPolicy

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import ModelAdmin, TabularInline
else:
    from unfold.admin import ModelAdmin, TabularInline


class RateLimitInline(TabularInline[RateLimit, RateLimitPolicy]):
    model = RateLimit
    extra = 0


@admin.register(RateLimitPolicy)
class RateLimitPolicyAdmin(ModelAdmin[RateLimitPolicy]):
    list_display = ("code", "name", "is_dedicated", "recorded_at")
    list_filter = ("is_dedicated",)
    search_fields = ("=code", "^name")
    ordering = ("code",)
    inlines = [RateLimitInline]


@admin.register(RateLimit)
class RateLimitAdmin(ModelAdmin[RateLimit]):
    list_display = ("policy", "model", "rpm", "tpm", "concurrency")
    list_select_related = ("policy",)
    search_fields = ("=policy__code", "^model")
    autocomplete_fields = ("policy",)
    ordering = ("policy__code", "model")
