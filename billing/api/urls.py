from django.urls import path

from billing.api.admissions import AdmissionsView
from billing.api.alerts import AlertsView
from billing.api.customers import BalanceView
from billing.api.estimates import EstimatesView
from billing.api.ingest.events import EventsView

urlpatterns = [
    path("admissions", AdmissionsView.as_view(), name="admissions"),
    path("estimates", EstimatesView.as_view(), name="estimates"),
    path("events", EventsView.as_view(), name="events"),
    path("customers/<str:external_id>/alerts", AlertsView.as_view(), name="alerts"),
    path("customers/<str:external_id>/balance", BalanceView.as_view(), name="balance"),
]
