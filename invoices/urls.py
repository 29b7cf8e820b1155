from django.urls import path

from invoices.views.checkout import SimulatedCheckoutView
from invoices.views.webhooks import WebhookView

urlpatterns = [
    path(
        "checkout/simulated/<str:reference>/",
        SimulatedCheckoutView.as_view(),
        name="simulated-checkout",
    ),
    path("webhooks/<str:provider>/", WebhookView.as_view(), name="webhook"),
]
