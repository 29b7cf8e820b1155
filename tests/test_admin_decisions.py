"""What the pages that decide on refunds say of those that cannot be decided on."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from invoices.models import Refund
from invoices.services.refunds import decline_refund
from tests.admin_pages import post, read, staff, url_of
from tests.invoices.refunding import bought, refund
from tests.make import NOW

pytestmark = pytest.mark.django_db
MAY = ("view_refund", "change_refund")


@pytest.fixture
def waiting(settings: Settings) -> Refund:
    """Return a refund that eve asked for, and that waits."""
    settings.REFUND_APPROVAL_ABOVE = Decimal(20)
    return refund(bought(), "30", by="eve")


@pytest.mark.parametrize("page", ["approve", "decline"])
@pytest.mark.parametrize("ask", [read, post])
def test_what_does_not_wait_leads_to_its_page(
    waiting: Refund, page: str, ask: object
) -> None:
    decline_refund(refund=waiting, by="ada", at=NOW)
    assert callable(ask)

    shown = ask(staff("bob", *MAY), url_of(waiting, page))

    assert "does not wait: it is declined." in shown
    assert "asked on" not in shown
    assert "declined by ada" in shown


def test_who_asked_may_decline_and_not_approve(waiting: Refund) -> None:
    page = read(staff("eve", *MAY), url_of(waiting, "change"))

    assert url_of(waiting, "approve") not in page
    assert url_of(waiting, "decline") in page


def test_somebody_else_may_do_both(waiting: Refund) -> None:
    page = read(staff("ada", *MAY), url_of(waiting, "change"))

    assert url_of(waiting, "approve") in page
    assert url_of(waiting, "decline") in page
