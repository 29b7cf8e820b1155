from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminTextareaWidget

from billing.models import RateCardVersion
from billing.pricing.card import Card, CardError
from billing.pricing.yaml_form import CardSyntaxError, format_card, parse_card
from billing.queries.cards import load_card
from billing.queries.prices import find_latest_version, get_price_page
from billing.services.drafts import delete_draft
from billing.services.rate_cards import (
    AlreadyPublishedError,
    InstantTakenError,
    RetroactivePriceError,
    draft_version,
    publish_version,
)
from ledger.admin import DescribedAdmin

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
_MAX_ID_DIGITS = 18
_IN_UTC = {"effective_from": "In UTC. Empty: from the moment of publishing."}
_FIXED = ("rate_card", "number", "published_at", "published_by", "recorded_at")


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
            return parse_card(self.cleaned_data["prices"])
        except (CardSyntaxError, CardError) as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> None:
        card, rate_card = map(self.cleaned_data.get, ("prices", "rate_card"))
        if card and rate_card and card.currency != rate_card.currency:
            self.add_error("prices", f"This card is in {rate_card.currency}.")


@admin.register(RateCardVersion)
class RateCardVersionAdmin(DescribedAdmin[RateCardVersion]):
    list_display = ("rate_card", "number", "state", "effective_from", "published_at")
    list_filter = ("rate_card",)
    list_select_related = ("rate_card",)
    search_fields = ("=rate_card__code",)
    autocomplete_fields = ("rate_card",)
    ordering = ("-pk",)
    actions = ["publish"]
    change_form_outer_before_template = "billing/admin/standing.html"
    change_form_outer_after_template = "billing/admin/prices.html"

    class Media:
        css = {"all": ["tollgate/prices.css"]}

    @admin.display(ordering="published_at")
    def state(self, version: RateCardVersion) -> str:
        return render_to_string("billing/admin/state.html", {"version": version})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download)
        name = "billing_ratecardversion_download"
        return [path("<int:pk>/prices.yaml", view, name=name), *super().get_urls()]

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        versions = self.get_queryset(request).select_related("rate_card")
        version = get_object_or_404(versions, pk=pk)
        if not self.has_view_permission(request, version):
            return HttpResponse(status=403)
        name = f"{version.rate_card.code}-v{version.number}.yaml"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(
            format_card(load_card(pk)),
            content_type="application/yaml; charset=utf-8",
            headers=disposition,
        )

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
        # No id is longer, and Python refuses to read the longest.
        is_id = text.isdecimal() and len(text) <= _MAX_ID_DIGITS
        wanted = int(text) if is_id else None
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
        fields = ("rate_card", "number", "effective_from", "recorded_at")
        return (*fields, "published_at", "published_by") if obj.published_at else fields

    def get_readonly_fields(
        self, request: HttpRequest, obj: RateCardVersion | None = None
    ) -> tuple[str, ...]:
        return _FIXED if obj else ()

    def describe(self, request: HttpRequest, row: RateCardVersion) -> dict[str, Any]:
        number = request.GET.get("prices", "1")
        return {"page": get_price_page(version=row, at=timezone.now(), number=number)}

    def has_change_permission(
        self, request: HttpRequest, obj: RateCardVersion | None = None
    ) -> bool:
        is_frozen = obj is not None and obj.published_at is not None
        return not is_frozen and super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: RateCardVersion | None = None
    ) -> bool:
        # One by one, from a draft's own page.
        is_draft = obj is not None and obj.published_at is None
        return is_draft and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        # Its prices are part of it, and no objects with permissions of their own.
        counts = {str(self.opts.verbose_name_plural): len(objs)}
        return [str(each) for each in objs], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: RateCardVersion) -> None:
        delete_draft(version=obj)

    def save_model(
        self, request: HttpRequest, obj: RateCardVersion, form: Any, change: bool
    ) -> None:
        if change:
            # Publishing stores the date; one that it refuses must not stay.
            if "_publish" not in request.POST:
                super().save_model(request, obj, form, change)
            return
        card = form.cleaned_data["prices"]
        made = draft_version(rate_card=obj.rate_card, card=card)
        obj.pk, obj.number = made.pk, made.number

    def response_add(
        self,
        request: HttpRequest,
        obj: RateCardVersion,
        post_url_continue: str | None = None,
    ) -> HttpResponse:
        messages.success(
            request, f"{obj} is drafted. See what it changes, then publish."
        )
        return self._to_its_page(obj)

    def response_change(
        self, request: HttpRequest, obj: RateCardVersion
    ) -> HttpResponse:
        if "_publish" not in request.POST:
            return super().response_change(request, obj)
        self._publish(request, obj)
        return self._to_its_page(obj)

    def _to_its_page(self, version: RateCardVersion) -> HttpResponseRedirect:
        url = reverse("admin:billing_ratecardversion_change", args=[version.pk])
        return HttpResponseRedirect(url)

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
        except (
            AlreadyPublishedError,
            InstantTakenError,
            RetroactivePriceError,
        ) as error:
            messages.error(request, f"{version} was not published: {error}.")
        else:
            messages.success(
                request,
                f"{version} is in force from {effective_from:%Y-%m-%d %H:%M} UTC.",
            )
