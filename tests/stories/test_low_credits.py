"""A customer whose credits run low: told, topped up, and declined, over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import mail
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from billing.tasks import send_notices
from config.celery import app
from config.verification import verify_all
from invoices.tasks import run_top_ups, sweep_payments
from tests import make
from tests.http import buying_key, event, get, post, put

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]
CUSTOMER = "/v1/customers/cus_abc123"
SETTINGS = "/portal/credits/settings/"
AGREED = "Auto top-up buys $50.00 below $45.00 from now on"
TERMS = {"threshold": "45", "amount": "50", "monthly_maximum": "60"}


@pytest.fixture(autouse=True)
def clock(
    live_server: LiveServer, settings: Settings
) -> Iterator[time_machine.Traveller]:
    """Stop the clock, and do what is queued at once."""
    settings.BASE_URL = live_server.url
    app.conf.task_always_eager = True
    with time_machine.travel(make.NOW, tick=False) as clock:
        yield clock
    app.conf.task_always_eager = False


@pytest.fixture
def browser(client: Client) -> Client:
    """Return the browser of a person who owns a customer's account."""
    client.force_login(make.member(make.customer()))
    return client


def buy(browser: Client, *, card: str) -> None:
    """Buy 50 credits in the portal, with a card that is kept."""
    order = {"pack": make.pack().code, "keep_card": "on"}
    checkout = urlsplit(browser.post("/portal/buy/", order)["Location"])
    answer = browser.post(
        f"{checkout.path}?{checkout.query}", {"choice": "pay", "card": card}
    )
    assert answer.status_code == 302


def spend(key: str) -> None:
    """Post a call that costs 3 credits."""
    properties = {"model": "text-gen-v3", "output_tokens": 250_000}
    assert post(event(key, properties=properties)).json()["status"] == "accepted"


def work() -> None:
    """Do what the clock has done every few seconds."""
    for task in (run_top_ups, sweep_payments, send_notices):
        task()


def available() -> str:
    answer = get(f"{CUSTOMER}/balance")
    return str(answer.json()["available"])


def switch_on(browser: Client) -> None:
    kept = get(f"{CUSTOMER}/auto-top-up").json()["payment_methods"]
    browser.post(f"{SETTINGS}top-up/", {"method": kept[0]["id"]} | TERMS)


def subjects() -> list[str]:
    return [str(sent.subject) for sent in mail.outbox]


def test_is_told_once_and_topped_up_once(browser: Client) -> None:
    buy(browser, card="4242")
    put(f"{CUSTOMER}/alerts", {"thresholds": ["48"]}, key=buying_key())
    switch_on(browser)

    for key in ("a", "b"):
        spend(key)
        work()
        work()

    assert available() == "94"
    assert subjects() == [
        AGREED,
        "Credits fell below $48.00",
        "Auto top-up bought $50.00 of credits",
    ]
    page = browser.get(SETTINGS).content.decode()
    assert "<strong>$50.00</strong> of at most" in " ".join(page.split())
    assert [each for finding in verify_all() for each in finding.differences] == []


def test_whose_card_is_declined_is_told_and_let_be(
    browser: Client, clock: time_machine.Traveller
) -> None:
    buy(browser, card="0341")
    switch_on(browser)
    for key in ("a", "b"):
        spend(key)

    for wait in (0, 1, 24, 24, 24):
        clock.shift(timedelta(hours=wait))
        work()

    assert available() == "44"
    assert subjects() == [
        AGREED,
        "Auto top-up failed: $50.00 could not be charged",
        "Auto top-up failed: $50.00 could not be charged",
        "Auto top-up is off: the card was declined three times in a row",
    ]
    terms = get(f"{CUSTOMER}/auto-top-up").json()["terms"]
    assert terms["off_because"] == "declined"
    states = {each["status"] for each in _invoices()}
    assert states == {"paid", "void"}


def _invoices() -> list[dict[str, str]]:
    answer = get("/v1/invoices?customer_id=cus_abc123")
    invoices: list[dict[str, str]] = answer.json()["results"]
    return invoices
