"""Every address of the product."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from config.health import healthz
from config.metrics import metrics

portal = [path("", include("billing.urls")), path("", include("invoices.portal.urls"))]

handler404 = "config.api.not_found"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="portal:overview"), name="home"),
    path("portal/", include((portal, "portal"))),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include("invoices.urls")),
    path("admin/", admin.site.urls),
    path("v1/", include("billing.api.urls")),
    path("v1/", include("invoices.api.urls")),
    path("v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
]
