"""The portal's page on what happens when credits run low."""

from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.utils import timezone

from billing.services.alerts import ThresholdError, add_alert, remove_alert
from billing.views.base import PortalView
from billing.views.changing import ChangingView
from invoices.models import OffBecause
from invoices.portal.forms import AlertForm, TopUpForm
from invoices.queries.top_ups import CreditSettings, get_credit_settings
from invoices.services.methods import remove_method
from invoices.services.purchases import AmountNotForSaleError
from invoices.services.top_ups import (
    MethodNotKeptError,
    MonthlyMaximumError,
    ThresholdAboveAmountError,
    set_auto_top_up,
    switch_off_auto_top_up,
)


class CreditSettingsView(PortalView):
    """Alerts, auto top-up and kept cards; those who may buy change them."""

    template_name = "portal/credit_settings.html"
    section = "credits"

    @cached_property
    def credit_settings(self) -> CreditSettings:
        """What the page shows, and its forms choose from."""
        return get_credit_settings(customer=self.customer, at=timezone.now())

    def get_page(self) -> CreditSettings:
        return self.credit_settings

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        top_up = self.credit_settings.top_up
        forms = {"alert_form": AlertForm(), "top_up_form": TopUpForm(top_up=top_up)}
        return super().get_context_data(**(forms | kwargs))


class ChangeView(ChangingView, CreditSettingsView):
    """Changes one thing that the page shows."""

    back = "portal:credit-settings"


class AlertView(ChangeView):
    """Adds a threshold."""

    form_name = "alert_form"
    fields = {ThresholdError: "threshold"}

    def get_form(self) -> forms.Form:
        return AlertForm(self.request.POST)

    def change(self, values: dict[str, Any], at: datetime) -> str:
        threshold = values["threshold"]
        is_new = add_alert(customer=self.customer, threshold=threshold, at=at)
        return "Alert added." if is_new else "This alert was set already."


class UnalertView(AlertView):
    """Removes a threshold."""

    def change(self, values: dict[str, Any], at: datetime) -> str:
        threshold = values["threshold"]
        was_set = remove_alert(customer=self.customer, threshold=threshold, at=at)
        return "Alert removed." if was_set else "There was no such alert."


class TopUpView(ChangeView):
    """Switches auto top-up on, or changes what it buys."""

    form_name = "top_up_form"
    fields = {
        ThresholdError: "threshold",
        ThresholdAboveAmountError: "threshold",
        AmountNotForSaleError: "amount",
        MonthlyMaximumError: "monthly_maximum",
        MethodNotKeptError: "method",
    }

    def get_form(self) -> forms.Form:
        return TopUpForm(self.request.POST, top_up=self.credit_settings.top_up)

    def change(self, values: dict[str, Any], at: datetime) -> str:
        set_auto_top_up(customer=self.customer, by=self.by, at=at, **values)
        return "Auto top-up is on."


class SwitchOffView(ChangeView):
    """Switches auto top-up off."""

    def change(self, values: dict[str, Any], at: datetime) -> str:  # noqa: ARG002
        because = OffBecause.CUSTOMER
        switch_off_auto_top_up(
            customer=self.customer, because=because, by=self.by, at=at
        )
        return "Auto top-up is off."


class CardView(ChangeView):
    """Forgets a kept card."""

    def change(self, values: dict[str, Any], at: datetime) -> str:  # noqa: ARG002
        method_id = self.kwargs["pk"]
        remove_method(customer=self.customer, method_id=method_id, by=self.by, at=at)
        return "Card removed."
