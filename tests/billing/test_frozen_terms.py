from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import Error, transaction

from billing.models import CreditPack, Customer
from billing.services.events import Status
from billing.services.periods import close_period
from billing.services.rate_cards import create_rate_card
from tests import make

pytestmark = pytest.mark.django_db

EUROS = make.SEED_CARD.replace("price_usd", "price_eur")


@pytest.mark.parametrize("column", ["price", "credits", "bonus_credits"])
def test_the_terms_of_a_pack_stay_as_they_were_sold(column: str) -> None:
    make.pack()

    with pytest.raises(Error, match="Cannot update"), transaction.atomic():
        CreditPack.objects.update(**{column: 500})


def test_a_pack_may_be_retired() -> None:
    make.pack()

    assert CreditPack.objects.update(is_active=False) == 1


@pytest.mark.parametrize("until", [None, make.NOW - timedelta(days=1)])
def test_a_closed_period_never_opens_again(until: object) -> None:
    customer = make.customer()
    close_period(customer=customer, until=make.NOW)

    with pytest.raises(Error, match="Cannot update"), transaction.atomic():
        Customer.objects.update(closed_until=until)


def test_prices_in_another_currency_debit_nothing() -> None:
    card = create_rate_card(code="euros", name="Euros", currency="EUR")
    make.published_version(card, EUROS, effective_from=make.NOW - timedelta(days=9))
    customer = make.customer(plan=make.plan(card=card), credits="10")

    [outcome] = make.record(make.event())

    customer.wallet.refresh_from_db()
    assert (outcome.status, outcome.code) == (Status.QUARANTINED, "other_currency")
    assert customer.wallet.balance == 10


@pytest.mark.parametrize("name", ["input_token", "completionTokens", "promptTokens"])
def test_a_mistyped_quantity_is_not_given_away(name: str) -> None:
    make.customer(credits="10")
    mistyped = replace(make.event(), properties={"model": "text-gen-v3", name: 7})

    [outcome] = make.record(mistyped)

    assert outcome.code == "unpriced_dimension"
