"""The portal's page on alerts, auto top-up and kept cards, as a browser has it."""

from django.test import Client

from tests import pages
from tests.pages import text

PAGE = "/portal/credits/settings/"
TERMS = {"threshold": "8", "amount": "20", "monthly_maximum": "60"}


def read(browser: Client, url: str = PAGE) -> str:
    return pages.read(browser, url)


def send(browser: Client, path: str, **values: object) -> str:
    """Send a form; returns the page that it leads to."""
    response = browser.post(PAGE + path, values, follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    return text(response)


def refuse(browser: Client, path: str, **values: object) -> str:
    """Send a form that is wrong; returns the page that says so."""
    response = browser.post(PAGE + path, values)
    assert response.status_code == 422
    return text(response)
