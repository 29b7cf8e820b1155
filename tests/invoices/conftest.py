from collections.abc import Iterator

import pytest
import stripe
from pytest_django import Settings

from config.celery import app
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_server import SECRET, serving


@pytest.fixture
def worker() -> Iterator[None]:
    """Do what is queued at once, in the process that queues it."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def fake(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeFake]:
    """Take payments by Stripe, which is on this machine."""
    # The SDK's pause before it tries again.
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)
    with serving() as started:
        settings.PAYMENT_PROVIDER = "stripe"
        settings.STRIPE_SECRET_KEY = "sk_test_1"  # noqa: S105
        settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
        settings.STRIPE_API_BASE = started.url
        yield started
