from django.urls import path

from billing.api.ingest.events import EventsView

urlpatterns = [
    path("events", EventsView.as_view(), name="events"),
]
