"""The portal's pages about credits and usage."""

from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from billing.forms import ActForm, BuyAmountForm, KindForm, MonthForm, PlaceForm
from billing.models import QuarantinedEvent
from billing.queries.credits import Credits, LotPage, get_credits, get_lot_page
from billing.queries.limits_page import LimitsPage, get_limits_page
from billing.queries.overview import Overview, get_overview
from billing.queries.paging import Page
from billing.queries.quarantine import list_quarantined
from billing.queries.usage import MonthUsage, get_month_usage
from billing.views.base import CHOSEN, PortalView
from ledger.models import Kind


class OverviewView(PortalView):
    """Balance and spend at a glance."""

    template_name = "portal/overview.html"
    section = "overview"

    def get_page(self) -> Overview:
        return get_overview(customer=self.customer, at=timezone.now())


class UsageView(PortalView):
    """One month's usage, by day and model."""

    template_name = "portal/usage.html"
    section = "usage"

    def get_page(self) -> MonthUsage:
        month = MonthForm.read_month(self.request.GET)
        return get_month_usage(customer=self.customer, at=self._within(month))

    def _within(self, month: date | None) -> datetime:
        if month is None:
            return timezone.now()
        return datetime(month.year, month.month, 1, tzinfo=self.customer.zone)


class CreditsView(PortalView):
    """Lots, packs for sale, and the ledger with its running balance."""

    template_name = "portal/credits.html"
    section = "credits"

    def get_page(self) -> Credits:
        return get_credits(
            customer=self.customer,
            at=timezone.now(),
            before=PlaceForm.read_before(self.request.GET),
            kind=KindForm.read_kind(self.request.GET),
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        kind, currency = context["page"].kind, context["page"].balance.currency
        context.setdefault("amount_form", BuyAmountForm(currency=currency))
        # What the links to other pages of the ledger must keep.
        return context | {"kinds": Kind, "also": f"kind={kind}&" if kind else ""}


class LotView(PortalView):
    """One grant of credits, and what became of it."""

    template_name = "portal/lot.html"
    section = "credits"

    def get_page(self) -> LotPage:
        return get_lot_page(
            customer=self.customer,
            lot_id=self.kwargs["pk"],
            at=timezone.now(),
            before=PlaceForm.read_before(self.request.GET),
        )


class LimitsView(PortalView):
    """What is used of each limit now, what was refused, and the tiers above."""

    template_name = "portal/limits.html"
    section = "limits"

    def get_page(self) -> LimitsPage:
        return get_limits_page(customer=self.customer, at=timezone.now())


class QuarantineView(PortalView):
    """Events that could not be priced, and why."""

    template_name = "portal/quarantine.html"
    section = "quarantine"

    def get_page(self) -> Page[QuarantinedEvent]:
        before = PlaceForm.read_before(self.request.GET)
        return list_quarantined(customer=self.customer, before=before)


class ActView(PortalView):
    """Lets a person act for another of their customers."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = ActForm.read_customer(request.POST)
        if wanted not in self.seat.choices:
            raise Http404
        request.session[CHOSEN] = wanted
        return redirect("portal:overview")
