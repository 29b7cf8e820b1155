from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from billing.models import ContextBand, Rate, RateCard, RateCardVersion, RateTier
from billing.pricing.card import Card, CardError
from billing.pricing.yaml_form import CardSyntaxError, format_card, parse_card
from billing.queries.cards import load_card
from billing.queries.prices import find_latest_version
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

_EXAMPLE = """\
model: text-gen-v3
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.003
  - dimension: output_tokens
    unit: 1000 tokens
    price_usd: 0.012
  - dimension: context_window
    tiers:
      - max_tokens: 8192
        multiplier: 1.0
      - max_tokens: 32768
        multiplier: 1.8
"""
_IN_UTC = {"effective_from": "In UTC. Empty: from the moment of publishing."}

PRICE = exactly("price")
MULTIPLIER = exactly("multiplier")
# Django takes columns here too, whatever its types say.
_RATE_FIELDS: Any = ("model", "dimension", PRICE, "unit", "unit_name", "when")
_BAND_FIELDS: Any = ("model", "max_tokens", "below_tokens", MULTIPLIER)


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


class RateInline(TabularInline[Rate, RateCardVersion]):
    model = Rate
    fields = readonly_fields = _RATE_FIELDS
    can_delete = False
    extra = max_num = 0


class ContextBandInline(TabularInline[ContextBand, RateCardVersion]):
    model = ContextBand
    fields = readonly_fields = _BAND_FIELDS
    can_delete = False
    extra = max_num = 0


class DraftForm(forms.ModelForm[RateCardVersion]):
    """The prices of a new version, in the form that the command takes too."""

    prices = forms.CharField(
        widget=UnfoldAdminTextareaWidget,
        help_text=format_html(
            "All prices of the version, as YAML: one document for each model, with a "
            "line of --- between them. They cannot be edited later. "
            "The form is:<pre>{}</pre>",
            _EXAMPLE,
        ),
    )

    def clean_prices(self) -> Card:
        try:
            card = parse_card(self.cleaned_data["prices"])
        except (CardSyntaxError, CardError) as error:
            raise forms.ValidationError(str(error)) from error
        return card

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
        return super().get_form(request, obj, change, help_texts=_IN_UTC, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        text = request.GET.get("rate_card", "")
        wanted = int(text) if text.isdecimal() else None
        version = find_latest_version(rate_card_id=wanted)
        if version is None:
            return {"rate_card": wanted}
        prices = format_card(load_card(version.pk))
        return {"rate_card": version.rate_card_id, "prices": prices}

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
                request,
                f"{version} is in force from {effective_from:%Y-%m-%d %H:%M} UTC.",
            )


@admin.register(Rate)
class RateAdmin(ReadOnlyAdmin[Rate]):
    list_display = ("version", "model", "dimension", PRICE, "unit", "unit_name")
    list_select_related = ("version__rate_card",)
    search_fields = ("=model",)
    ordering = ("-pk",)


@admin.register(RateTier)
class RateTierAdmin(ReadOnlyAdmin[RateTier]):
    list_display = ("rate", "position", exactly("up_to"), PRICE, exactly("flat"))
    list_select_related = ("rate",)
    search_fields = ("=rate__model",)
    ordering = ("-pk",)


@admin.register(ContextBand)
class ContextBandAdmin(ReadOnlyAdmin[ContextBand]):
    list_display = ("version", "model", "max_tokens", "below_tokens", MULTIPLIER)
    list_select_related = ("version__rate_card",)
    search_fields = ("=model",)
    ordering = ("-pk",)
