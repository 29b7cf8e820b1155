from django.urls import path

from invoices import converters  # noqa: F401 - registers the types of the paths below.
from invoices.portal.credit_notes import CreditNoteView
from invoices.portal.views import (
    BuyView,
    CallView,
    CorrectionView,
    DayView,
    FindView,
    InvoicesView,
    InvoiceView,
    LineView,
    PayView,
)

urlpatterns = [
    path("invoices/", InvoicesView.as_view(), name="invoices"),
    path("invoices/<str:number>/", InvoiceView.as_view(), name="invoice"),
    path("invoices/<str:number>/pay/", PayView.as_view(), name="pay"),
    path("invoices/<str:number>/<int:position>/", LineView.as_view(), name="line"),
    path(
        "invoices/<str:number>/<int:position>/<day:day>/", DayView.as_view(), name="day"
    ),
    path("calls/<key:key>", CallView.as_view(), name="call"),
    path("corrections/<int:pk>/", CorrectionView.as_view(), name="correction"),
    path("credit-notes/<str:number>/", CreditNoteView.as_view(), name="credit-note"),
    path("find/", FindView.as_view(), name="find"),
    path("buy/", BuyView.as_view(), name="buy"),
]
