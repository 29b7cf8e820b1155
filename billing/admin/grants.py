"""Giving credits by hand: a form, a preview of its entries, a confirmation."""

import json
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from billing.models import Customer
from billing.queries.grants import GrantPreview, preview_grant
from billing.services.grants import (
    GrantTooLargeError,
    OtherCreditsGivenError,
    give_credits,
    is_grant_time,
)
from ledger.admin import KeptAdmin
from ledger.forms import AmountField
from ledger.models import Source
from ledger.money import as_text, format_exact
from ledger.queries import get_balance

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from django.contrib.admin import action
else:
    from unfold.decorators import action

# Purchases come from paid invoices.
_SOURCES = [choice for choice in Source.choices if choice[0] != Source.PURCHASE]


def _time_field(help_text: str) -> forms.DateTimeField:
    widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})
    return forms.DateTimeField(required=False, widget=widget, help_text=help_text)


class GrantForm(forms.Form):
    # Sent twice, it grants once.
    token = forms.UUIDField(widget=forms.HiddenInput)
    source = forms.ChoiceField(choices=_SOURCES, widget=UnfoldAdminSelectWidget)
    amount = AmountField(widget=UnfoldAdminDecimalFieldWidget)
    starts_at = _time_field("In UTC. Empty: they may be spent at once.")
    expires_at = _time_field("In UTC, within 100 years. Empty: they never expire.")
    priority = forms.IntegerField(
        min_value=-100,
        max_value=100,
        initial=0,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Lower numbers are spent first.",
    )
    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="It is kept with the credits, for operators.",
    )

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount <= 0:
            raise forms.ValidationError("It must be more than zero.")
        if amount > settings.GRANT_MAXIMUM:
            raise forms.ValidationError(f"{GrantTooLargeError()}.".capitalize())
        return amount

    def clean(self) -> None:
        self.at = timezone.now()
        for name in ("starts_at", "expires_at"):
            if not is_grant_time(self.cleaned_data.get(name), at=self.at):
                self.add_error(name, "It must be from 2000 to 100 years from now.")
        ends = self.cleaned_data.get("expires_at")
        starts = self.cleaned_data.get("starts_at") or self.at
        if ends and ends <= max(starts, self.at):
            self.add_error("expires_at", "They would have expired already.")

    def preview(self, customer: Customer) -> GrantPreview:
        asked = self.cleaned_data
        return preview_grant(
            customer=customer,
            source=Source(asked["source"]),
            amount=asked["amount"],
            starts_at=asked["starts_at"],
            expires_at=asked["expires_at"],
            at=self.at,
        )

    def seal(self, customer: Customer) -> str:
        """Return what stands for these very terms; nobody else can make it."""
        terms = [customer.pk, *(str(self.cleaned_data[name]) for name in self.fields)]
        return salted_hmac(
            "billing.grant", json.dumps(terms), algorithm="sha256"
        ).hexdigest()

    def is_previewed(self, customer: Customer) -> bool:
        """Tell whether these terms were shown before they were confirmed."""
        seal = self.data.get("previewed", "")
        return constant_time_compare(seal, self.seal(customer))

    def grant(self, customer: Customer, actor: str) -> str:
        """Give the credits; returns what was done, in a sentence."""
        asked = self.cleaned_data
        lot = give_credits(
            customer=customer,
            source=Source(asked["source"]),
            amount=asked["amount"],
            reference=f"grant:{asked['token']}",
            actor=actor,
            at=self.at,
            reason=asked["reason"],
            starts_at=asked["starts_at"],
            expires_at=asked["expires_at"],
            priority=asked["priority"],
        )
        balance = get_balance(wallet_id=customer.wallet_id, at=self.at)
        available = format_exact(balance.available, balance.currency)
        granted = f"{as_text(lot.granted)} credits are granted to {customer}"
        return f"{granted}. Available now: {available}."


class GrantingAdmin(KeptAdmin[Customer]):
    """Lets operators give credits, after they saw the entries that it makes."""

    actions_detail: tuple[str, ...] = ("grant_credits",)

    def has_grant_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("ledger.add_creditlot")

    @action(description="Grant credits", permissions=["grant"])
    def grant_credits(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer = self.get_row(request, object_id)
        form = GrantForm(request.POST or None, initial={"token": uuid4()})
        page = reverse("admin:billing_customer_change", args=[customer.pk])
        wants_change = "_change" in request.POST
        is_ready = form.is_valid() and not wants_change
        if is_ready and "_grant" in request.POST and _apply(form, request, customer):
            return redirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Grant credits to {customer}",
            "opts": self.opts,
            "original": customer,
            "customer": customer,
            "form": form,
            "preview": _preview(form, customer) if is_ready else None,
            "seal": form.seal(customer) if is_ready else "",
            "page": page,
        }
        return render(request, "admin/grant_credits.html", context)


def _apply(form: GrantForm, request: HttpRequest, customer: Customer) -> bool:
    """Grant as the form says and showed; returns whether it was not refused."""
    if not form.is_previewed(customer):
        messages.warning(request, "Nothing is granted yet. Look at it first.")
        return False
    try:
        done = form.grant(customer, request.user.get_username())
    except OtherCreditsGivenError as error:
        form.add_error(None, f"{error}. Begin again for more.")
        return False
    messages.success(request, done)
    return True


def _preview(form: GrantForm, customer: Customer) -> GrantPreview | None:
    return None if form.errors else form.preview(customer)
