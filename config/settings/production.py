"""Behind TLS, with secrets from the environment."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import (
    CONTENT_SECURITY_POLICY,
    STRIPE_SECRET_KEY,
    STRIPE_WEBHOOK_SECRETS,
    env,
)

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
# No default: with the simulated one, whoever may buy pays with nothing.
PAYMENT_PROVIDER = env.str("PAYMENT_PROVIDER")
if PAYMENT_PROVIDER == "stripe":
    if not (STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRETS):
        _message = "stripe needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET"
        raise ImproperlyConfigured(_message)
    # The portal's button is a form; its answer leads to Stripe's page.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += [
        "https://checkout.stripe.com",
    ]
SIMULATED_WEBHOOK_SECRET = env.str("SIMULATED_WEBHOOK_SECRET", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
ENVIRONMENT = env.str("ENVIRONMENT", default="production")

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
vars().update(env.email_url("EMAIL_URL"))
