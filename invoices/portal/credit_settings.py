"""The portal's page on what happens when credits run low."""

from abc import abstractmethod
from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from billing.services.alerts import ThresholdError, add_alert, remove_alert
from billing.views.base import PortalView
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

_PAGE = "portal:credit-settings"


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


class ChangeView(CreditSettingsView):
    """Changes one thing, then leads back to the page; what is wrong is shown on it."""

    http_method_names = ["get", "post"]
    # What the page calls the form, and which field each refusal is about.
    form_name = ""
    fields: dict[type[Exception], str] = {}

    def get(self, *_: Any, **__: Any) -> HttpResponse:
        return redirect(_PAGE)

    def post(self, request: HttpRequest, **_: Any) -> HttpResponse:
        if not self.seat.may_buy:
            raise PermissionDenied
        form = self.get_form()
        done = self._change(form) if form.is_valid() else None
        if done:
            messages.info(request, done)
            return redirect(_PAGE)
        context = self.get_context_data(**{self.form_name: form})
        return self.render_to_response(context, status=422)

    def _change(self, form: forms.Form) -> str | None:
        try:
            return self.change(form.cleaned_data, timezone.now())
        except ObjectDoesNotExist as error:
            raise Http404 from error
        except tuple(self.fields) as error:
            form.add_error(self.fields[type(error)], str(error))
            return None

    @property
    def by(self) -> str:
        """Who changes it."""
        return str(self.request.user)

    def get_form(self) -> forms.Form:
        """Return what was sent."""
        return forms.Form(self.request.POST)

    @abstractmethod
    def change(self, values: dict[str, Any], at: datetime) -> str:
        """Do what was asked for, in one call; return what to say of it."""


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
