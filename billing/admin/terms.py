from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget

from billing.models import Customer, RateCard, Terms
from billing.pricing.discounts import DiscountError, Discounts
from billing.services.terms import agree_terms
from ledger.admin import HistoryAdmin, exactly

if TYPE_CHECKING:
    TermsModelForm = forms.ModelForm[Terms]
else:
    TermsModelForm = forms.ModelForm

PERCENT = exactly("discount_percent")


class ModelDiscountsField(forms.CharField):
    """Percentages of single models, one a line: `gpt-4o: 12.5`."""

    widget = UnfoldAdminTextareaWidget

    def to_python(self, value: Any) -> Any:
        lines = [line for line in str(value or "").splitlines() if line.strip()]
        return dict(map(self._read, lines))

    def _read(self, line: str) -> tuple[str, Decimal]:
        model, _, percent = line.rpartition(":")
        try:
            read = Decimal(percent.strip())
        except InvalidOperation:
            read = Decimal("NaN")
        if not model.strip() or not read.is_finite():
            message = f"“{line}” must be a model and a percentage: gpt-4o: 12.5"
            raise forms.ValidationError(message)
        return model.strip(), read


class TermsForm(TermsModelForm):
    model_discounts = ModelDiscountsField(
        required=False,
        help_text="One model a line, such as gpt-4o: 12.5. It stands instead of the"
        " percentage above.",
    )

    def clean_effective_from(self) -> Any:
        wanted = self.cleaned_data["effective_from"]
        if wanted and wanted < timezone.now():
            raise forms.ValidationError("Calls of the past are priced already.")
        return wanted

    def clean(self) -> None:
        percent, by_model, customer, card = map(
            self.cleaned_data.get,
            ("discount_percent", "model_discounts", "customer", "rate_card"),
        )
        if percent is not None and isinstance(by_model, Mapping):
            self._check_discounts(percent, by_model)
        if isinstance(customer, Customer) and isinstance(card, RateCard):
            self._check_currency(customer, card)

    def _check_discounts(
        self, percent: Decimal, by_model: Mapping[str, Decimal]
    ) -> None:
        try:
            Discounts(percent, by_model)
        except DiscountError as error:
            self.add_error("model_discounts", str(error))

    def _check_currency(self, customer: Customer, card: RateCard) -> None:
        currency = customer.wallet.currency
        if card.currency != currency:
            self.add_error("rate_card", f"The customer pays in {currency}.")


@admin.register(Terms)
class TermsAdmin(HistoryAdmin[Terms]):
    form = TermsForm
    list_display = ("customer", "effective_from", "rate_card", PERCENT, "actor")
    list_select_related = ("customer", "rate_card")
    search_fields = ("=customer__external_id",)
    autocomplete_fields = ("customer", "rate_card")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.add_terms")

    def get_fields(self, request: HttpRequest, obj: Terms | None = None) -> list[Any]:
        asked = ["customer", "effective_from", "rate_card", "discount_percent"]
        asked += ["model_discounts", "reason"]
        return asked if obj is None else [*asked, "actor", "recorded_at"]

    def get_form(
        self,
        request: HttpRequest,
        obj: Terms | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> type[TermsModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            date = form.base_fields["effective_from"]
            date.required = False
            date.help_text = "In UTC. Empty: from now on."
        return form

    def save_model(
        self, request: HttpRequest, obj: Terms, form: Any, change: bool
    ) -> None:
        asked, now = form.cleaned_data, timezone.now()
        made = agree_terms(
            customer=asked["customer"],
            effective_from=asked["effective_from"] or now,
            rate_card=asked["rate_card"],
            discount_percent=asked["discount_percent"],
            model_discounts=asked["model_discounts"],
            reason=asked["reason"],
            by=str(request.user),
            at=now,
        )
        obj.pk = made.pk
