import pytest
from django.test import Client
from django.urls import reverse

from invoices.models import Invoice
from tests import make
from tests.invoices.state import final, use


def page_of(invoice: Invoice, client: Client) -> str:
    client.force_login(make.member(invoice.customer))
    path = reverse("portal:invoice", kwargs={"number": invoice.number})
    return client.get(path).content.decode()


def overdrawn() -> Invoice:
    customer = make.customer(credits="1")
    # 250,000 tokens of output are $3 on the seed's card.
    use(make.event(input_tokens=0, output_tokens=250_000))
    return final(customer)


@pytest.mark.django_db
def test_the_api_tells_it() -> None:
    invoice = overdrawn()
    key = make.customer_key(invoice.customer)
    path = f"/v1/invoices/{invoice.number}"

    shown = Client().get(path, headers={"Authorization": f"Bearer {key}"}).json()

    assert (shown["total"], shown["credits_applied"]) == ("3", "1")
    assert (shown["carried_over"], shown["amount_due"]) == ("2", "0")


@pytest.mark.django_db
def test_the_page_shows_it(client: Client) -> None:
    page = page_of(overdrawn(), client)

    assert "Carried on the wallet" in page
    assert "$2.00" in page


@pytest.mark.django_db
def test_the_page_is_silent_without_it(client: Client) -> None:
    customer = make.customer(credits="50")
    use(make.event())

    assert "Carried on the wallet" not in page_of(final(customer), client)
