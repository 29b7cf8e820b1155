"""The portal's way to where money is paid, and out of an order that is not wanted."""

import logging
from abc import abstractmethod
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from billing.forms import BuyAmountForm, BuyForm
from billing.views.base import PortalView
from billing.views.pages import CreditsView
from invoices.models import Invoice, Status
from invoices.payments import ProviderError
from invoices.queries import get_invoice
from invoices.services.canceling import NotAnOrderError, cancel_purchase
from invoices.services.checkout import start_checkout
from invoices.services.payments import BeingChargedError, NotOpenError
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
_BEING_CHARGED = "A kept card is being charged for it just now."
_WHY_NOT = {
    Status.PAID: "It is paid already.",
    Status.VOID: "It is void: nothing is owed for it.",
}


class SpendingView(PortalView):
    """What only those may do who may spend the customer's money."""

    http_method_names = ["post"]

    def post(self, _request: HttpRequest, **_: Any) -> HttpResponse:
        if not self.seat.may_buy:
            raise PermissionDenied
        now = timezone.now()
        try:
            invoice = self.get_invoice(now)
        except PackNotPayableError as error:
            messages.error(self.request, str(error), extra_tags="warn")
            return redirect("portal:credits")
        except TooManyOrdersError as error:
            messages.error(self.request, str(error), extra_tags="warn")
            return redirect("portal:invoices")
        except (ObjectDoesNotExist, PackNotForSaleError) as error:
            raise Http404 from error
        return self.lead_on(invoice, now)

    @abstractmethod
    def get_invoice(self, at: datetime) -> Invoice:
        """Return what it is about."""

    @abstractmethod
    def lead_on(self, invoice: Invoice, at: datetime) -> HttpResponse:
        """Do it, and lead to the next page."""

    def find_invoice(self) -> Invoice:
        """Return the customer's invoice that the address names."""
        return get_invoice(customer=self.customer, number=self.kwargs["number"])

    def lead_back(
        self, invoice: Invoice, message: str, level: int = messages.INFO
    ) -> HttpResponse:
        """Lead to the invoice, which says so."""
        tags = "warn" if level == messages.ERROR else ""
        messages.add_message(self.request, level, message, extra_tags=tags)
        return redirect("portal:invoice", number=invoice.number)

    def refuse(self, invoice: Invoice, error: NotOpenError) -> HttpResponse:
        """Lead to the invoice, which says why it can be neither paid nor canceled."""
        if isinstance(error, BeingChargedError):
            return self.lead_back(invoice, _BEING_CHARGED)
        # It was paid, or canceled, since the page was opened.
        invoice.refresh_from_db(fields=["status"])
        return self.lead_back(invoice, _WHY_NOT[Status(invoice.status)])


class PurchaseView(SpendingView):
    """Leads to where money is paid."""

    saves_method = False

    def lead_on(self, invoice: Invoice, at: datetime) -> HttpResponse:
        page = reverse("portal:invoice", kwargs={"number": invoice.number})
        try:
            url = start_checkout(
                invoice=invoice,
                # The invoice waits there for the provider's word.
                leads_to=urljoin(settings.BASE_URL, f"{page}?returned=1"),
                saves_method=self.saves_method,
                at=at,
            )
        except NotOpenError as error:
            return self.refuse(invoice, error)
        except ProviderError:
            logger.exception("Could not lead to a page to pay on")
            return self.lead_back(invoice, _NO_CHECKOUT, messages.ERROR)
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
        return self.find_invoice()


class CancelView(SpendingView):
    """Cancels an order that is not paid."""

    def get_invoice(self, at: datetime) -> Invoice:  # noqa: ARG002
        return self.find_invoice()

    def lead_on(self, invoice: Invoice, at: datetime) -> HttpResponse:
        try:
            cancel_purchase(invoice=invoice, by=str(self.request.user), at=at)
        except NotAnOrderError as error:
            raise Http404 from error
        except NotOpenError as error:
            return self.refuse(invoice, error)
        return self.lead_back(invoice, "Canceled: nothing is owed for it.")
