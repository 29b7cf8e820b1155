"""Spend caps: operators see all, and set and remove their own."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.models import CapOwner, CapPeriod, Customer, SpendCap
from billing.services.caps import (
    CapAmountError,
    TooManyCapsError,
    check_cap_amount,
    remove_cap,
    set_cap,
)
from ledger.admin import AMOUNT, EDIT_EXACTLY

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import ModelAdmin, TabularInline

    CapModelForm = forms.ModelForm[SpendCap]
else:
    from unfold.admin import ModelAdmin, TabularInline

    CapModelForm = forms.ModelForm


class SpendCapForm(CapModelForm):
    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        try:
            return check_cap_amount(amount)
        except CapAmountError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> None:
        customer, key = map(self.cleaned_data.get, ("customer", "api_key"))
        if customer and key and key.customer_id != customer.pk:
            self.add_error("api_key", "It is not a key of this customer.")


@admin.register(SpendCap)
class SpendCapAdmin(ModelAdmin[SpendCap]):
    form = SpendCapForm
    formfield_overrides = EDIT_EXACTLY
    list_display = (
        "customer",
        "period",
        AMOUNT,
        "api_key",
        "model",
        "set_by",
        "actor",
        "recorded_at",
    )
    list_filter = ("set_by", "period")
    list_select_related = ("customer", "api_key")
    search_fields = ("=customer__external_id", "=api_key__prefix", "=model")
    autocomplete_fields = ("customer", "api_key")
    ordering = ("-pk",)
    show_full_result_count = False

    def get_fields(
        self, request: HttpRequest, obj: SpendCap | None = None
    ) -> tuple[Any, ...]:
        scope = ("customer", "api_key", "model", "period")
        if obj is None:
            return (*scope, "amount")
        return (*scope, AMOUNT, "set_by", "actor", "recorded_at")

    def has_change_permission(
        self, request: HttpRequest, obj: SpendCap | None = None
    ) -> bool:
        # Set again for the same calls, it is replaced.
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: SpendCap | None = None
    ) -> bool:
        is_ours = obj is None or obj.set_by == CapOwner.OPERATOR
        return is_ours and super().has_delete_permission(request, obj)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().add_view(request, *args, **kwargs)
        except TooManyCapsError as error:
            messages.error(request, str(error))
            return redirect(request.get_full_path())

    def save_model(
        self, request: HttpRequest, obj: SpendCap, form: Any, change: bool
    ) -> None:
        made = set_cap(
            customer=obj.customer,
            period=CapPeriod(obj.period),
            amount=obj.amount,
            api_key=obj.api_key,
            model=obj.model,
            owner=CapOwner.OPERATOR,
            by=str(request.user),
        )
        obj.pk = made.pk

    def delete_model(self, request: HttpRequest, obj: SpendCap) -> None:
        owner = CapOwner.OPERATOR
        remove_cap(customer=obj.customer, cap_id=obj.pk, owner=owner)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[SpendCap]
    ) -> None:
        for cap in queryset.select_related("customer"):
            self.delete_model(request, cap)


class SpendCapInline(TabularInline[SpendCap, Customer]):
    model = SpendCap
    extra = 0
    show_change_link = True

    def get_fields(
        self, request: HttpRequest, obj: Customer | None = None
    ) -> tuple[Any, ...]:
        return ("period", AMOUNT, "api_key", "model", "set_by", "actor")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Customer | None = None
    ) -> tuple[Any, ...]:
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SpendCap]:
        return super().get_queryset(request).select_related("api_key", "customer")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
