"""What a customer has, above its form, and where the rest of it is."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from billing.admin.customers import CustomerAdmin
from billing.models import Customer
from billing.queries.allowances import get_standing
from ledger.admin import Link


class StandingAdmin(CustomerAdmin):
    """Shows a customer's balance, and leads to what was made for it."""

    change_form_outer_before_template = "admin/customer_standing.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        customer = self.get_object(request, unquote(object_id))
        if customer is not None and self.has_view_permission(request, customer):
            context["standing"] = get_standing(customer=customer, at=timezone.now())
            context["links"] = _list_links(request, customer)
        return super().change_view(request, object_id, form_url, context)


def _list_links(request: HttpRequest, customer: Customer) -> list[Link]:
    """Return where a customer's rows are listed, those that somebody may see."""
    of_wallet = {"wallet": customer.wallet_id}
    of_customer = {"customer": customer.pk}
    lists: list[tuple[str, str, str, dict[str, Any]]] = [
        ("Credit lots", "ledger", "creditlot", of_wallet),
        ("Entries", "ledger", "entry", of_wallet),
        ("Invoices", "invoices", "invoice", of_customer),
        ("Refunds", "invoices", "refund", {"q": customer.external_id}),
        ("Alerts", "billing", "balancealert", of_customer),
    ]
    return [
        Link(title, reverse(f"admin:{app}_{model}_changelist", query=query))
        for title, app, model, query in lists
        if request.user.has_perm(f"{app}.view_{model}")
    ]
