"""The portal's pages from an invoice down to one call, and from a call back up."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.forms import FindForm, PlaceForm
from billing.queries.corrections import get_corrected_key
from billing.queries.paging import Page, read_page
from billing.views.base import PortalView
from invoices.models import Invoice
from invoices.portal.forms import MOST_LOOKS, ReturnForm
from invoices.queries import Call, get_call, list_invoices
from invoices.queries.pages import (
    DayPage,
    InvoicePage,
    LinePage,
    get_day_page,
    get_invoice_page,
    get_line_page,
)


class InvoicesView(PortalView):
    """Every final invoice, the newest first."""

    template_name = "invoices/list.html"
    section = "invoices"

    def get_page(self) -> Page[Invoice]:
        before = PlaceForm.read_before(self.request.GET)
        invoices = list_invoices(customer=self.customer)
        return read_page(invoices, key="id", before=before)


class InvoiceView(PortalView):
    """One invoice with its lines."""

    template_name = "invoices/invoice.html"
    section = "invoices"

    def get_page(self) -> InvoicePage:
        return get_invoice_page(customer=self.customer, **self.kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        looks = ReturnForm.read_looks(self.request.GET)
        context = super().get_context_data(**kwargs)
        is_awaited = bool(looks) and context["page"].is_begun
        # Looked at again for a minute, without a script; then the person may do it.
        next_look = looks + 1 if is_awaited and looks < MOST_LOOKS else None
        return context | {"is_awaited": is_awaited, "next_look": next_look}


class LineView(PortalView):
    """The days that make up an invoice line."""

    template_name = "invoices/line.html"
    section = "invoices"

    def get_page(self) -> LinePage:
        return get_line_page(customer=self.customer, **self.kwargs)


class DayView(PortalView):
    """The calls of a line on one day."""

    template_name = "invoices/day.html"
    section = "invoices"

    def get_page(self) -> DayPage:
        return get_day_page(
            customer=self.customer,
            number=self.kwargs["number"],
            position=self.kwargs["position"],
            day=self.kwargs["day"],
            after=PlaceForm.read_after(self.request.GET),
        )


class CallView(PortalView):
    """One call with the whole arithmetic of its price."""

    template_name = "invoices/call.html"
    section = "usage"

    def get_page(self) -> Call:
        return get_call(customer=self.customer, key=self.kwargs["key"])


class CorrectionView(PortalView):
    """Leads from a correction to the call that it took back."""

    section = "usage"

    def get(self, _request: HttpRequest, pk: int) -> HttpResponse:
        try:
            key = get_corrected_key(customer=self.customer, correction_id=pk)
        except ObjectDoesNotExist as error:
            raise Http404 from error
        return redirect("portal:call", key=key)

    def get_page(self) -> None:
        return None


class FindView(PortalView):
    """Leads from an idempotency key to its call."""

    template_name = "invoices/find.html"
    section = "usage"

    def get(self, request: HttpRequest) -> HttpResponse:
        key = FindForm.read_key(request.GET)
        try:
            get_call(customer=self.customer, key=key)
        except ObjectDoesNotExist:
            context = self.get_context_data(key=key)
            return self.render_to_response(context, status=404)
        return redirect("portal:call", key=key)

    def get_page(self) -> None:
        return None
