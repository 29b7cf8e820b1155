from django.urls import path

from invoices.views.checkout import BackView, SimulatedCheckoutView
from invoices.views.webhooks import WebhookView

urlpatterns = [
    path(
        "checkout/simulated/<str:reference>/",
        SimulatedCheckoutView.as_view(),
        name="simulated-checkout",
    ),
    path("checkout/back/<str:reference>/", BackView.as_view(), name="checkout-back"),
    path("webhooks/<str:provider>/", WebhookView.as_view(), name="webhook"),
]
