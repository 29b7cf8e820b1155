"""What every page of the portal has: a person, and the customer they act for."""

from abc import abstractmethod
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from billing.models import Customer
from billing.queries.people import Seat, get_seat

CHOSEN = "customer"


@method_decorator(never_cache, name="dispatch")
class PortalView(LoginRequiredMixin, TemplateView):
    """A page about the customer that the person signed in acts for."""

    # The part of the menu that the page belongs to.
    section: str
    seat: Seat

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        if request.user.is_authenticated:
            chosen = request.session.get(CHOSEN)
            self.seat = get_seat(user=request.user, customer_id=chosen)
        return super().dispatch(request, *args, **kwargs)

    @property
    def customer(self) -> Customer:
        """Whom the page is about."""
        return self.seat.customer

    @abstractmethod
    def get_page(self) -> object:
        """Read what the page shows, in one call."""

    def render_to_response(
        self, context: dict[str, Any], **response_kwargs: Any
    ) -> HttpResponse:
        # Rendered at once, while the customer's clock is on the wall.
        with timezone.override(self.customer.zone):
            return render(
                self.request, self.get_template_names(), context, **response_kwargs
            )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        try:
            page = self.get_page()
        except ObjectDoesNotExist as error:
            # Nor does it, to this customer, if it is another's.
            raise Http404 from error
        return super().get_context_data(**kwargs, seat=self.seat, page=page)
