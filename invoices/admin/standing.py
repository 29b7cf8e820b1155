"""What a customer has, above its form, and where the rest of it is."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from billing.admin.customers import CustomerAdmin
from billing.models import Customer
from billing.queries.allowances import get_standing
from ledger.admin import DescribedAdmin, Link


class StandingAdmin(DescribedAdmin[Customer], CustomerAdmin):
    """Shows a customer's balance, and leads to what was made for it."""

    change_form_outer_before_template = "admin/customer_standing.html"

    def describe(self, request: HttpRequest, row: Customer) -> dict[str, Any]:
        return {
            "standing": get_standing(customer=row, at=timezone.now()),
            "links": _list_links(request, row),
        }


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
