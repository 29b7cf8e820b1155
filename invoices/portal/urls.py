from django.urls import path

from invoices import converters  # noqa: F401 - registers the types of the paths below.
from invoices.portal.credit_notes import (
    CreditNotesView,
    CreditNoteView,
    DisputeView,
    RefundView,
)
from invoices.portal.credit_settings import (
    AlertView,
    CardView,
    CreditSettingsView,
    SwitchOffView,
    TopUpView,
    UnalertView,
)
from invoices.portal.paying import BuyAmountView, BuyView, CancelView, PayView
from invoices.portal.views import (
    CallView,
    CorrectionView,
    DayView,
    FindView,
    InvoicesView,
    InvoiceView,
    LineView,
)

_SETTINGS = "credits/settings/"

urlpatterns = [
    path("invoices/", InvoicesView.as_view(), name="invoices"),
    path("invoices/<str:number>/", InvoiceView.as_view(), name="invoice"),
    path("invoices/<str:number>/pay/", PayView.as_view(), name="pay"),
    path("invoices/<str:number>/cancel/", CancelView.as_view(), name="cancel"),
    path("invoices/<str:number>/<int:position>/", LineView.as_view(), name="line"),
    path(
        "invoices/<str:number>/<int:position>/<day:day>/", DayView.as_view(), name="day"
    ),
    path("calls/<key:key>", CallView.as_view(), name="call"),
    path("corrections/<int:pk>/", CorrectionView.as_view(), name="correction"),
    path("refunds/<int:pk>/", RefundView.as_view(), name="refund"),
    path("disputes/<int:pk>/", DisputeView.as_view(), name="dispute"),
    path("credit-notes/", CreditNotesView.as_view(), name="credit-notes"),
    path("credit-notes/<str:number>/", CreditNoteView.as_view(), name="credit-note"),
    path("find/", FindView.as_view(), name="find"),
    path("buy/", BuyView.as_view(), name="buy"),
    path("buy/amount/", BuyAmountView.as_view(), name="buy-amount"),
    path(_SETTINGS, CreditSettingsView.as_view(), name="credit-settings"),
    path(f"{_SETTINGS}alerts/", AlertView.as_view(), name="add-alert"),
    path(f"{_SETTINGS}alerts/remove/", UnalertView.as_view(), name="remove-alert"),
    path(f"{_SETTINGS}top-up/", TopUpView.as_view(), name="set-top-up"),
    path(f"{_SETTINGS}top-up/off/", SwitchOffView.as_view(), name="top-up-off"),
    path(f"{_SETTINGS}cards/<int:pk>/", CardView.as_view(), name="remove-card"),
]
