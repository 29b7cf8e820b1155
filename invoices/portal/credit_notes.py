"""The portal's pages of what takes parts of invoices back."""

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.forms import PlaceForm
from billing.queries.paging import Page, read_page
from billing.views.base import PortalView
from invoices.models import CreditNote
from invoices.queries.disputes import get_dispute
from invoices.queries.refunds import get_credit_note, get_refund, list_credit_notes


class CreditNotesView(PortalView):
    """Every credit note, the newest first."""

    template_name = "invoices/credit_notes.html"
    section = "invoices"

    def get_page(self) -> Page[CreditNote]:
        before = PlaceForm.read_before(self.request.GET)
        notes = list_credit_notes(customer=self.customer)
        return read_page(notes, key="id", before=before)


class CreditNoteView(PortalView):
    """One credit note: what went back, and which credits it took."""

    template_name = "invoices/credit_note.html"
    section = "invoices"

    def get_page(self) -> CreditNote:
        return get_credit_note(customer=self.customer, number=self.kwargs["number"])


class RefundView(PortalView):
    """Leads from a refund to its credit note, or to its invoice as long as none is."""

    section = "invoices"

    def get(self, _request: HttpRequest, pk: int) -> HttpResponse:
        try:
            refund = get_refund(customer=self.customer, refund_id=pk)
        except ObjectDoesNotExist as error:
            raise Http404 from error
        if hasattr(refund, "credit_note"):
            return redirect("portal:credit-note", number=refund.credit_note.number)
        return redirect("portal:invoice", number=refund.payment.invoice.number)

    def get_page(self) -> None:
        return None


class DisputeView(PortalView):
    """Leads from a dispute to its invoice."""

    section = "invoices"

    def get(self, _request: HttpRequest, pk: int) -> HttpResponse:
        try:
            dispute = get_dispute(customer=self.customer, dispute_id=pk)
        except ObjectDoesNotExist as error:
            raise Http404 from error
        return redirect("portal:invoice", number=dispute.payment.invoice.number)

    def get_page(self) -> None:
        return None
