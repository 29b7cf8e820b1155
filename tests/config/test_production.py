"""What production's settings refuse to start with, and what they allow."""

import os
import subprocess
import sys

import pytest
import stripe

ENOUGH = {
    "PATH": os.environ["PATH"],
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "SECRET_KEY": "secret",
    "ALLOWED_HOSTS": "billing.example.com",
    "EMAIL_URL": "consolemail://",
    "DATABASE_URL": "postgresql://db/tollgate",
    "REDIS_URL": "redis://cache",
    "PAYMENT_PROVIDER": "simulated",
}
STRIPE = {
    "PAYMENT_PROVIDER": "stripe",
    "STRIPE_SECRET_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_new,whsec_old",
}
SHOW = """
from django.conf import settings
print(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"])
print(settings.STRIPE_WEBHOOK_SECRETS)
print(settings.STRIPE_API_BASE)
"""


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process with these variables alone."""
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        env=ENOUGH | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_stripe_forms_lead_to_us_alone() -> None:
    started = start()

    assert started.stdout.startswith("[\"'self'\"]\n[]\n")


def test_with_stripe_they_may_lead_to_its_pages_too() -> None:
    started = start(**STRIPE)

    assert started.stdout.splitlines() == [
        "[\"'self'\", 'https://checkout.stripe.com']",
        "['whsec_new', 'whsec_old']",
        stripe.DEFAULT_API_BASE,
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", ""),
        ("STRIPE_WEBHOOK_SECRET", ""),
        ("STRIPE_WEBHOOK_SECRET", ","),
    ],
)
def test_stripe_without_its_secrets_does_not_start(name: str, value: str) -> None:
    started = start(**STRIPE | {name: value})

    assert started.returncode != 0
    assert "needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET" in started.stderr
