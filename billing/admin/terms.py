from decimal import Decimal
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
from ledger.forms import find_amount

if TYPE_CHECKING:
    TermsModelForm = forms.ModelForm[Terms]
else:
    TermsModelForm = forms.ModelForm

PERCENT = exactly("discount_percent")


class ModelDiscountsField(forms.CharField):
    """Percentages of single models, one a line: `gpt-4o: 12.5`."""

    widget = UnfoldAdminTextareaWidget

    def to_python(self, value: Any) -> Any:
        read: dict[str, Decimal] = {}
        for line in str(value or "").splitlines():
            if not line.strip():
                continue
            model, percent = self._read(line)
            if model in read:
                raise forms.ValidationError(f"“{model}” is on two lines.")
            read[model] = percent
        return read

    def _read(self, line: str) -> tuple[str, Decimal]:
        name, _, percent = line.rpartition(":")
        model = name.strip()
        read = find_amount(percent)
        if not model or not model.isprintable() or read is None:
            message = f"“{line}” must be a model and a percentage: gpt-4o: 12.5"
            raise forms.ValidationError(message)
        return model, read


class TermsForm(TermsModelForm):
    # Not the model's own field, which takes JSON.
    discounts_by_model = ModelDiscountsField(
        required=False,
        help_text="One model a line, such as gpt-4o: 12.5. It stands instead of the"
        " percentage above.",
    )

    def clean_effective_from(self) -> Any:
        # Once, so that a date that is not past here is not past when it is stored.
        self.at = timezone.now()
        wanted = self.cleaned_data["effective_from"]
        if wanted and wanted < self.at:
            raise forms.ValidationError("Calls of the past are priced already.")
        return wanted

    def clean_discount_percent(self) -> Decimal:
        percent: Decimal = self.cleaned_data["discount_percent"]
        return _checked(percent)

    def clean_discounts_by_model(self) -> dict[str, Decimal]:
        by_model: dict[str, Decimal] = self.cleaned_data["discounts_by_model"]
        return {model: _checked(percent) for model, percent in by_model.items()}

    def clean(self) -> None:
        customer, card = map(self.cleaned_data.get, ("customer", "rate_card"))
        if isinstance(customer, Customer) and isinstance(card, RateCard):
            self._check_currency(customer, card)

    def _check_currency(self, customer: Customer, card: RateCard) -> None:
        currency = customer.wallet.currency
        if card.currency != currency:
            self.add_error("rate_card", f"The customer pays in {currency}.")


def _checked(percent: Decimal) -> Decimal:
    try:
        return Discounts(percent).percent
    except DiscountError as error:
        raise forms.ValidationError(f"{error}.") from error


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
        agreed = ["customer", "effective_from", "rate_card"]
        if obj is None:
            return [*agreed, "discount_percent", "discounts_by_model", "reason"]
        discounts = [PERCENT, "discounts_of_models"]
        return [*agreed, *discounts, "reason", "actor", "recorded_at"]

    @admin.display(description="discounts by model", empty_value="None")
    def discounts_of_models(self, terms: Terms) -> str:
        lines = (f"{model}: {text}" for model, text in terms.model_discounts.items())
        return "\n".join(lines)

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
            form.base_fields[
                "rate_card"
            ].help_text = (
                "Its models cost what it says, all others what the plan's card says."
            )
        return form

    def save_model(
        self, request: HttpRequest, obj: Terms, form: Any, change: bool
    ) -> None:
        asked, now = form.cleaned_data, form.at
        made = agree_terms(
            customer=asked["customer"],
            effective_from=asked["effective_from"] or now,
            rate_card=asked["rate_card"],
            discount_percent=asked["discount_percent"],
            model_discounts=asked["discounts_by_model"],
            reason=asked["reason"],
            by=str(request.user),
            at=now,
        )
        # What the answer names it by.
        obj.pk, obj.effective_from = made.pk, made.effective_from
