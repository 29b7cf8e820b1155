"""The portal's page of what takes a part of an invoice back."""

from billing.views.base import PortalView
from invoices.models import CreditNote
from invoices.queries.refunds import get_credit_note


class CreditNoteView(PortalView):
    """One credit note: what went back, and which credits it took."""

    template_name = "invoices/credit_note.html"
    section = "invoices"

    def get_page(self) -> CreditNote:
        return get_credit_note(customer=self.customer, number=self.kwargs["number"])
