from django.urls import path

from billing.views.caps import CapsView, RemoveCapView, SetCapView
from billing.views.pages import (
    ActView,
    CreditsView,
    LimitsView,
    LotView,
    OverviewView,
    QuarantineView,
    UsageView,
)

urlpatterns = [
    path("", OverviewView.as_view(), name="overview"),
    path("usage/", UsageView.as_view(), name="usage"),
    path("credits/", CreditsView.as_view(), name="credits"),
    path("credits/<int:pk>/", LotView.as_view(), name="lot"),
    path("caps/", CapsView.as_view(), name="caps"),
    path("caps/set/", SetCapView.as_view(), name="set-cap"),
    path("caps/<int:pk>/remove/", RemoveCapView.as_view(), name="remove-cap"),
    path("limits/", LimitsView.as_view(), name="limits"),
    path("unpriced/", QuarantineView.as_view(), name="quarantine"),
    path("act/", ActView.as_view(), name="act"),
]
