"""Pages of rows that are not there: nothing but a 404, whatever stands for the row."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
PAGES = [
    "billing/customer/{}/grant_credits/",
    "billing/customer/{}/reconcile/",
    "billing/quarantinedevent/{}/void/",
    "billing/usageevent/{}/amend/",
    "billing/usageevent/{}/void/",
    "invoices/invoice/{}/refund/",
    "invoices/refund/{}/approve/",
    "invoices/refund/{}/decline/",
]
# Django leads away from these, with a message.
CHANGES = ["billing/usageevent", "invoices/invoice", "invoices/refund"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("row", ["7", "abc", "9" * 30, "-1", "1.5"])
def test_an_action_of_no_row_is_not_found(
    operator: Client, page: str, row: str
) -> None:
    assert operator.get("/admin/" + page.format(row)).status_code == 404


@pytest.mark.parametrize("page", CHANGES)
def test_the_page_of_no_row_leads_away(operator: Client, page: str) -> None:
    assert operator.get(f"/admin/{page}/abc/change/").status_code == 302
