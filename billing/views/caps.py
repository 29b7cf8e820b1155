"""The portal's page on spend caps."""

from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from billing.forms import CapForm
from billing.models import CapOwner
from billing.queries.cap_states import CapsPage, get_caps_page
from billing.services.caps import (
    CapAmountError,
    OperatorsCapError,
    TooManyCapsError,
    remove_cap,
    set_cap,
)
from billing.views.base import PortalView
from billing.views.changing import ChangingView


class CapsView(PortalView):
    """Every cap with what is spent of it, and a form for another."""

    template_name = "portal/caps.html"
    section = "caps"

    @cached_property
    def caps_page(self) -> CapsPage:
        """What the page shows, and its form chooses from."""
        return get_caps_page(customer=self.customer, at=timezone.now())

    def get_page(self) -> CapsPage:
        return self.caps_page

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = CapForm(keys=self.caps_page.keys)
        return super().get_context_data(**({"form": form} | kwargs))


class SetCapView(ChangingView, CapsView):
    """Sets a cap, or another amount of one."""

    back = "portal:caps"
    form_name = "form"
    fields = {CapAmountError: "amount", TooManyCapsError: None}

    def get_form(self) -> CapForm:
        return CapForm(self.request.POST, keys=self.caps_page.keys)

    def change(self, values: dict[str, Any], at: datetime) -> str:  # noqa: ARG002
        owner = CapOwner.CUSTOMER
        set_cap(customer=self.customer, owner=owner, by=self.by, **values)
        return "Spend cap set."


class RemoveCapView(ChangingView, CapsView):
    """Removes one of the customer's own caps."""

    back = "portal:caps"

    def change(self, values: dict[str, Any], at: datetime) -> str:  # noqa: ARG002
        owner, cap_id = CapOwner.CUSTOMER, self.kwargs["pk"]
        try:
            remove_cap(customer=self.customer, cap_id=cap_id, owner=owner)
        except OperatorsCapError as error:
            raise PermissionDenied from error
        return "Spend cap removed."
