from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from billing.admin.caps import SpendCapInline
from billing.admin.grants import GrantingAdmin
from billing.models import ApiKey, CreditPack, Customer, Membership, Plan
from billing.services.customers import (
    SCOPES,
    SERVICE_SCOPES,
    create_customer,
    issue_api_key,
    revoke_api_key,
)
from ledger.admin import EDIT_EXACTLY, KeptAdmin, exactly
from ledger.forms import AmountField
from ledger.money import as_text
from ledger.services import set_credit_limit

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import ModelAdmin, TabularInline
else:
    from unfold.admin import ModelAdmin, TabularInline

_TERMS = ("currency", "price", "credits", "bonus_credits", "validity_days")
_FIXED_TERMS = (
    "currency",
    exactly("price"),
    exactly("credits"),
    exactly("bonus_credits"),
    "validity_days",
)
_SCOPES = [(scope, scope) for scope in SCOPES]


class CustomerForm(forms.ModelForm[Customer]):
    time_zone = forms.ChoiceField(
        choices=[(name, name) for name in sorted(available_timezones())],
        initial="UTC",
        widget=UnfoldAdminSelectWidget,
    )
    credit_limit = AmountField(
        initial=0,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=(
            "How far a plan that bills what no credits cover lets the wallet be"
            " overdrawn, in its currency."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["credit_limit"] = self.instance.wallet.credit_limit

    def clean_plan(self) -> Plan:
        plan: Plan = self.cleaned_data["plan"]
        customer = self.instance
        if customer.pk and customer.wallet.currency != plan.currency:
            message = f"The customer pays in {customer.wallet.currency}."
            raise forms.ValidationError(message)
        return plan


class MembershipInline(TabularInline[Membership, Customer]):
    model = Membership
    autocomplete_fields = ("user",)
    extra = 0


class CustomerAdmin(GrantingAdmin):
    """Registered with invoices, since billing cannot know what customers bought."""

    form = CustomerForm
    list_display = ("external_id", "name", "email", "plan", "time_zone", "recorded_at")
    list_select_related = ("plan",)
    search_fields = ("=external_id", "=email", "^name")
    autocomplete_fields = ("plan",)
    ordering = ("-pk",)
    show_full_result_count = False
    inlines = [MembershipInline, SpendCapInline]

    def get_fields(
        self, request: HttpRequest, obj: Customer | None = None
    ) -> tuple[str, ...]:
        made = ("external_id", "name", "email", "plan", "credit_limit", "time_zone")
        return (*made, "wallet", "closed_until", "recorded_at") if obj else made

    def get_readonly_fields(
        self, request: HttpRequest, obj: Customer | None = None
    ) -> tuple[str, ...]:
        # Gateways know the id, and invoiced periods lie in the time zone.
        fixed = ("external_id", "time_zone")
        return (*fixed, "wallet", "closed_until", "recorded_at") if obj else ()

    def save_model(
        self, request: HttpRequest, obj: Customer, form: Any, change: bool
    ) -> None:
        if change:
            _save_edited(obj, form)
            return
        made = create_customer(
            external_id=obj.external_id,
            name=obj.name,
            email=obj.email,
            plan=obj.plan,
            time_zone=obj.time_zone,
            credit_limit=form.cleaned_data["credit_limit"],
        )
        obj.pk, obj.wallet = made.pk, made.wallet

    @admin.display(description="credit limit")
    def credit_limit(self, customer: Customer) -> str:
        # For those who may look and not edit: they have no form.
        return as_text(customer.wallet.credit_limit)


def _save_edited(customer: Customer, form: Any) -> None:
    # Only what was edited: the month's end may have moved the rest meanwhile.
    own = [name for name in form.changed_data if name != "credit_limit"]
    customer.save(update_fields=own)
    if "credit_limit" in form.changed_data:
        limit = form.cleaned_data["credit_limit"]
        set_credit_limit(wallet_id=customer.wallet_id, credit_limit=limit)


class PlanForm(forms.ModelForm[Plan]):
    def clean(self) -> None:
        card = self.cleaned_data.get("rate_card")
        currency = self.cleaned_data.get("currency") or self.instance.currency
        if card and card.currency != currency:
            message = f"The plan is in {currency}, and this card in {card.currency}."
            self.add_error("rate_card", message)


@admin.register(Plan)
class PlanAdmin(KeptAdmin[Plan]):
    form = PlanForm
    formfield_overrides = EDIT_EXACTLY
    list_display = (
        "code",
        "name",
        exactly("monthly_fee"),
        "currency",
        "mode",
        "at_zero",
        "rate_card",
        "rate_limit_policy",
    )
    list_filter = ("mode", "at_zero")
    list_select_related = ("rate_card", "rate_limit_policy")
    search_fields = ("=code", "^name")
    autocomplete_fields = ("rate_card", "rate_limit_policy")
    ordering = ("code",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Plan | None = None
    ) -> tuple[str, ...]:
        # The wallets of its customers are in it.
        return ("currency",) if obj else ()


@admin.register(CreditPack)
class CreditPackAdmin(KeptAdmin[CreditPack]):
    formfield_overrides = EDIT_EXACTLY
    list_display = (
        "code",
        "name",
        exactly("price"),
        "currency",
        exactly("credits"),
        exactly("bonus_credits"),
        "validity_days",
        "is_active",
    )
    list_filter = ("is_active",)
    search_fields = ("=code", "^name")
    ordering = ("price",)

    def get_fields(
        self, request: HttpRequest, obj: CreditPack | None = None
    ) -> tuple[Any, ...]:
        return ("code", "name", *(_FIXED_TERMS if obj else _TERMS), "is_active")

    def get_readonly_fields(
        self, request: HttpRequest, obj: CreditPack | None = None
    ) -> tuple[Any, ...]:
        # What was ordered is granted on the terms of then: retire a pack, make another.
        return _FIXED_TERMS if obj else ()


class ApiKeyForm(forms.ModelForm[ApiKey]):
    scopes = forms.MultipleChoiceField(
        choices=_SCOPES, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        help_texts = {
            "customer": "Empty: a service key that may act for every customer.",
        }

    def clean(self) -> None:
        is_own = self.cleaned_data.get("customer")
        kept = SERVICE_SCOPES.intersection(self.cleaned_data.get("scopes", ()))
        if is_own and kept:
            names = ", ".join(sorted(kept))
            self.add_error("scopes", f"Only for keys without a customer: {names}.")


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin[ApiKey]):
    form = ApiKeyForm
    list_display = (
        "prefix",
        "name",
        "customer",
        "scopes",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_select_related = ("customer",)
    search_fields = ("=prefix", "=customer__external_id", "^name")
    autocomplete_fields = ("customer",)
    ordering = ("-pk",)
    show_full_result_count = False
    actions = ["revoke"]

    def get_fields(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> tuple[str, ...]:
        made = ("name", "customer", "scopes", "expires_at")
        return (*made, "prefix", "last_used_at", "revoked_at") if obj else made

    def has_change_permission(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> bool:
        # A key's holder relies on what it may do: revoke it and issue another.
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.change_apikey")

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: Any, change: bool
    ) -> None:
        issued = issue_api_key(
            name=obj.name,
            scopes=obj.scopes,
            customer=obj.customer,
            expires_at=obj.expires_at,
        )
        obj.pk, obj.prefix = issued.key.pk, issued.key.prefix
        messages.warning(request, f"Copy it now, it is shown once: {issued.secret}")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            revoke_api_key(key=key, at=timezone.now())
        messages.success(request, "The keys are refused from now on.")
