"""Pages as a browser has them: their markup, with single spaces between words."""

import re

from django.http import HttpResponse
from django.test import Client


def read(browser: Client, url: str) -> str:
    """Return a page that is there, and leads nowhere else."""
    response = browser.get(url)
    assert response.status_code == 200
    return text(response)


def text(response: object) -> str:
    assert isinstance(response, HttpResponse)
    return " ".join(response.content.decode().split())


def words(page: str) -> str:
    """Return what a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
