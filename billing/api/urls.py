from django.urls import path, re_path

from billing import converters  # noqa: F401 - registers the type of a path below.
from billing.api.admissions import AdmissionsView, AdmissionView, ExtensionView
from billing.api.alerts import AlertsView
from billing.api.caps import CapsView, CapView
from billing.api.customers import BalanceView
from billing.api.estimates import EstimatesView
from billing.api.forward_auth import ForwardAuthBeneathView, ForwardAuthView
from billing.api.ingest.events import EventsView

urlpatterns = [
    path("admissions", AdmissionsView.as_view(), name="admissions"),
    path("admissions/<key:request_id>/extend", ExtensionView.as_view()),
    path("admissions/<key:request_id>", AdmissionView.as_view(), name="admission"),
    path("estimates", EstimatesView.as_view(), name="estimates"),
    path("events", EventsView.as_view(), name="events"),
    path("forward-auth", ForwardAuthView.as_view(), name="forward-auth"),
    # Envoy appends the path of the request that it asks about.
    re_path(r"^forward-auth/", ForwardAuthBeneathView.as_view()),
    path("customers/<str:external_id>/alerts", AlertsView.as_view(), name="alerts"),
    path("customers/<str:external_id>/caps", CapsView.as_view(), name="caps"),
    path(
        "customers/<str:external_id>/caps/<int:cap_id>", CapView.as_view(), name="cap"
    ),
    path("customers/<str:external_id>/balance", BalanceView.as_view(), name="balance"),
]
