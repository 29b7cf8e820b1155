"""The portal's pages from an invoice down to one call, and from a call back up."""

import logging
from abc import abstractmethod
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from billing.forms import BuyAmountForm, BuyForm, FindForm, PlaceForm
from billing.queries.corrections import get_corrected_key
from billing.queries.paging import Page, read_page
from billing.views.base import PortalView
from billing.views.pages import CreditsView
from invoices.models import Invoice
from invoices.payments import ProviderError
from invoices.queries import Call, get_call, get_invoice, list_invoices
from invoices.queries.pages import (
    DayPage,
    InvoicePage,
    LinePage,
    get_day_page,
    get_invoice_page,
    get_line_page,
)
from invoices.services.checkout import start_checkout
from invoices.services.payments import NotOpenError
from invoices.services.purchases import (
    AmountNotForSaleError,
    PackNotForSaleError,
    PackNotPayableError,
    TooManyOrdersError,
    buy_credits,
    buy_pack,
)

logger = logging.getLogger(__name__)

_NO_CHECKOUT = "The page to pay on does not open at the moment. Nothing was charged."


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


class PurchaseView(PortalView):
    """Leads to where money is paid, those who may spend it."""

    http_method_names = ["post"]
    saves_method = False

    def post(self, _request: HttpRequest, **_: Any) -> HttpResponse:
        if not self.seat.may_buy:
            raise PermissionDenied
        now = timezone.now()
        try:
            return self._lead_to_checkout(self.get_invoice(now), now)
        except PackNotPayableError as error:
            messages.error(self.request, str(error), extra_tags="warn")
            return redirect("portal:credits")
        except TooManyOrdersError as error:
            messages.error(self.request, str(error), extra_tags="warn")
            return redirect("portal:invoices")
        except (ObjectDoesNotExist, PackNotForSaleError, NotOpenError) as error:
            raise Http404 from error

    @abstractmethod
    def get_invoice(self, at: datetime) -> Invoice:
        """Return what is to be paid."""

    def _lead_to_checkout(self, invoice: Invoice, at: datetime) -> HttpResponse:
        page = reverse("portal:invoice", kwargs={"number": invoice.number})
        return_url = self.request.build_absolute_uri(page)
        try:
            url = start_checkout(
                invoice=invoice,
                return_url=return_url,
                saves_method=self.saves_method,
                at=at,
            )
        except ProviderError:
            logger.exception("Could not lead to a page to pay on")
            messages.error(self.request, _NO_CHECKOUT, extra_tags="warn")
            return redirect(page)
        return redirect(url)


class BuyView(PurchaseView):
    """Orders a credit pack."""

    def get_invoice(self, at: datetime) -> Invoice:
        pack = BuyForm.read_pack(self.request.POST)
        self.saves_method = BuyForm.read_keep_card(self.request.POST)
        return buy_pack(customer=self.customer, pack=pack, at=at)


class BuyAmountView(PurchaseView, CreditsView):
    """Orders an amount of credits; what is wrong with it is shown on the page."""

    http_method_names = ["get", "post"]

    def get(self, *_: Any, **__: Any) -> HttpResponse:
        return redirect("portal:credits")

    def post(self, _request: HttpRequest, **_: Any) -> HttpResponse:
        if not self.seat.may_buy:
            raise PermissionDenied
        if self.form.is_valid():
            try:
                return super().post(self.request)
            except AmountNotForSaleError as error:
                self.form.add_error("amount", str(error))
        context = self.get_context_data(amount_form=self.form)
        return self.render_to_response(context, status=422)

    @cached_property
    def form(self) -> BuyAmountForm:
        """What was sent."""
        currency = self.customer.wallet.currency
        return BuyAmountForm(self.request.POST, currency=currency)

    def get_invoice(self, at: datetime) -> Invoice:
        self.saves_method = self.form.cleaned_data["keep_card"]
        amount = self.form.cleaned_data["amount"]
        return buy_credits(customer=self.customer, amount=amount, at=at)


class PayView(PurchaseView):
    """Pays for an invoice that is open."""

    def get_invoice(self, at: datetime) -> Invoice:  # noqa: ARG002
        return get_invoice(customer=self.customer, number=self.kwargs["number"])
