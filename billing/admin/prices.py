from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget

from billing.models import ContextBand, Rate, RateCard, RateCardVersion
from billing.pricing.card import Card, CardError
from billing.pricing.yaml_form import CardSyntaxError, parse_card
from billing.services.rate_cards import (
    AlreadyPublishedError,
    RetroactivePriceError,
    draft_version,
    publish_version,
)
from ledger.admin import ReadOnlyAdmin, exactly

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import ModelAdmin, TabularInline
else:
    from unfold.admin import ModelAdmin, TabularInline

PRICE = exactly("price")
MULTIPLIER = exactly("multiplier")


@admin.register(RateCard)
class RateCardAdmin(ModelAdmin[RateCard]):
    list_display = ("code", "name", "currency", "recorded_at")
    search_fields = ("=code", "^name")
    ordering = ("code",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: RateCard | None = None
    ) -> tuple[str, ...]:
        return ("code", "currency") if obj else ()


class RateInline(TabularInline[Rate, RateCardVersion]):
    model = Rate
    fields = readonly_fields = ("model", "dimension", "price", "unit", "unit_name")
    can_delete = False
    extra = max_num = 0


class ContextBandInline(TabularInline[ContextBand, RateCardVersion]):
    model = ContextBand
    fields = readonly_fields = ("model", "max_tokens", "multiplier")
    can_delete = False
    extra = max_num = 0


class DraftForm(forms.ModelForm[RateCardVersion]):
    """The prices of a new version, in the form that the command takes too."""

    prices = forms.CharField(
        widget=UnfoldAdminTextareaWidget,
        help_text="YAML, one document for each model. Prices cannot be edited later.",
    )

    def clean_prices(self) -> Card:
        try:
            return parse_card(self.cleaned_data["prices"])
        except (CardSyntaxError, CardError) as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> None:
        card, rate_card = map(self.cleaned_data.get, ("prices", "rate_card"))
        if card and rate_card and card.currency != rate_card.currency:
            self.add_error("prices", f"This card is in {rate_card.currency}.")


@admin.register(RateCardVersion)
class RateCardVersionAdmin(ModelAdmin[RateCardVersion]):
    list_display = ("rate_card", "number", "effective_from", "published_at")
    list_filter = ("rate_card",)
    list_select_related = ("rate_card",)
    search_fields = ("=rate_card__code",)
    autocomplete_fields = ("rate_card",)
    ordering = ("-pk",)
    actions = ["publish"]

    inlines = [RateInline, ContextBandInline]

    def get_inlines(
        self, request: HttpRequest, obj: RateCardVersion | None
    ) -> list[type[Any]]:
        return self.inlines if obj else []

    def get_form(
        self,
        request: HttpRequest,
        obj: RateCardVersion | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> type[forms.ModelForm[RateCardVersion]]:
        if obj is None:
            kwargs["form"] = DraftForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(
        self, request: HttpRequest, obj: RateCardVersion | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ("rate_card", "prices")
        fixed = ("rate_card", "number", "effective_from")
        return (*fixed, "published_at", "published_by", "recorded_at")

    def get_readonly_fields(
        self, request: HttpRequest, obj: RateCardVersion | None = None
    ) -> tuple[str, ...]:
        fixed = ("rate_card", "number", "published_at", "published_by", "recorded_at")
        return fixed if obj else ()

    def has_change_permission(
        self, request: HttpRequest, obj: RateCardVersion | None = None
    ) -> bool:
        is_frozen = obj is not None and obj.published_at is not None
        return not is_frozen and super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: RateCardVersion | None = None
    ) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: RateCardVersion, form: Any, change: bool
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        card = form.cleaned_data["prices"]
        made = draft_version(rate_card=obj.rate_card, card=card)
        obj.pk, obj.number = made.pk, made.number

    @admin.action(
        description="Publish from its date on, or from now", permissions=["change"]
    )
    def publish(
        self, request: HttpRequest, queryset: QuerySet[RateCardVersion]
    ) -> None:
        for version in queryset:
            self._publish(request, version)

    def _publish(self, request: HttpRequest, version: RateCardVersion) -> None:
        now = timezone.now()
        effective_from = version.effective_from or now
        try:
            publish_version(
                version=version,
                effective_from=effective_from,
                by=str(request.user),
                at=now,
            )
        except (AlreadyPublishedError, RetroactivePriceError) as error:
            messages.error(request, f"{version} was not published: {error}.")
        else:
            messages.success(
                request, f"{version} is in force from {effective_from:%Y-%m-%d %H:%M}."
            )


@admin.register(Rate)
class RateAdmin(ReadOnlyAdmin[Rate]):
    list_display = ("version", "model", "dimension", PRICE, "unit", "unit_name")
    list_select_related = ("version__rate_card",)
    search_fields = ("=model",)
    ordering = ("-pk",)


@admin.register(ContextBand)
class ContextBandAdmin(ReadOnlyAdmin[ContextBand]):
    list_display = ("version", "model", "max_tokens", MULTIPLIER)
    list_select_related = ("version__rate_card",)
    search_fields = ("=model",)
    ordering = ("-pk",)
