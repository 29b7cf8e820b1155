from django.urls import path

from invoices import converters  # noqa: F401 - registers the types of the paths below.
from invoices.api.calls import CallsView, EventView
from invoices.api.corrections import AmendView, VoidView
from invoices.api.credit_notes import CreditNotesView, CreditNoteView
from invoices.api.invoices import InvoicesView, InvoiceView
from invoices.api.lines import DaysView, LinesView
from invoices.api.packs import CreditPacksView
from invoices.api.purchases import PurchasesView
from invoices.api.top_ups import TopUpView

_LINE = "invoices/<str:number>/lines/<int:position>"

urlpatterns = [
    path("invoices", InvoicesView.as_view(), name="invoices"),
    path("invoices/<str:number>", InvoiceView.as_view(), name="invoice"),
    path("credit-notes", CreditNotesView.as_view(), name="credit-notes"),
    path("credit-notes/<str:number>", CreditNoteView.as_view(), name="credit-note"),
    path("invoices/<str:number>/lines", LinesView.as_view(), name="invoice-lines"),
    path(f"{_LINE}/days", DaysView.as_view(), name="invoice-line-days"),
    path(
        f"{_LINE}/days/<day:day>/calls",
        CallsView.as_view(),
        name="invoice-line-calls",
    ),
    path("credit-packs", CreditPacksView.as_view(), name="credit-packs"),
    path("purchases", PurchasesView.as_view(), name="purchases"),
    path(
        "customers/<str:external_id>/auto-top-up",
        TopUpView.as_view(),
        name="auto-top-up",
    ),
    # A key may hold slashes, so what is done to it comes first.
    path("events/<key:key>/void", VoidView.as_view(), name="event-void"),
    path("events/<key:key>/amend", AmendView.as_view(), name="event-amend"),
    path("events/<key:key>", EventView.as_view(), name="event"),
]
