"""The API key of a call, on the pages about it."""

import pytest
from django.test import Client

from billing.models import UsageEvent
from tests import make
from tests.billing.capping import named_key
from tests.pages import read

pytestmark = pytest.mark.django_db
PAGE = "/portal/calls/req_1"


def test_is_on_the_customers_page(client: Client) -> None:
    customer = make.customer(credits="10")
    key = named_key(customer)
    make.record(make.event(api_key=key.prefix), make.event("plain"))
    client.force_login(make.member(customer))

    assert f"<code>{key.prefix}</code>" in read(client, PAGE)
    assert "API key" not in read(client, "/portal/calls/plain")


def test_is_on_the_operators_page(operator: Client) -> None:
    key = named_key(make.customer(credits="10"))
    make.record(make.event(api_key=key.prefix))
    event = UsageEvent.objects.get()

    page = read(operator, f"/admin/billing/usageevent/{event.pk}/change/")

    assert str(key) in page
