"""The portal's way to where money is paid, and out of an order that is not wanted."""

import logging
from abc import abstractmethod
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from billing.forms import BuyForm
from billing.views.base import PortalView
from invoices.models import Invoice, Status
from invoices.payments import ProviderError
from invoices.queries import get_invoice
from invoices.services.canceling import NotAnOrderError, cancel_purchase
from invoices.services.checkout import start_checkout
from invoices.services.payments import BeingChargedError, NotOpenError
from invoices.services.purchases import PackNotForSaleError, buy_pack

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
                return_url=self.request.build_absolute_uri(f"{page}?returned=1"),
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
