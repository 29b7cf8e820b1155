"""What every environment shares. A missing secret is a crash at start."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
import structlog
from csp.constants import NONCE, NONE, SELF
from django.templatetags.static import static

from config import embedded
from config.services import BASE_DIR, embedded_folder, is_embedded

django_stubs_ext.monkeypatch()

env = environ.Env()

EMBEDDED = is_embedded()
if EMBEDDED:
    _addresses = embedded.addresses(embedded_folder())
    DATABASE_URL = _addresses.database_url
    DATABASE_OWNER_URL = _addresses.owner_url
    REDIS_URL = _addresses.redis_url
    CELERY_BROKER_URL = _addresses.broker_url
else:
    DATABASE_URL = env.str("DATABASE_URL")
    DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default=DATABASE_URL)
    REDIS_URL = env.str("REDIS_URL")
    CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)

# Two roles on one database: the application may only add to history; the owner
# runs migrations (`manage.py prepare_database`).
DATABASES = {
    "default": env.db_url_config(DATABASE_URL),
    "owner": env.db_url_config(DATABASE_OWNER_URL),
}
DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 8, "timeout": 5}}
DATABASES["owner"]["TEST"] = {"MIRROR": "default"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "config",
    "invoices",
    "billing",
    "ledger",
    "ratelimits",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "bootstrap",
    "csp",
    "drf_spectacular",
    "drf_standardized_errors",
    "pgtrigger",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.RequestIdMiddleware",
    "config.middleware.RefuseNulMiddleware",
    "config.middleware.ApiHeadersMiddleware",
    "config.middleware.PageCSPMiddleware",
    "config.middleware.AdminContentSecurityPolicyMiddleware",
    "config.middleware.PageSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.PageCsrfViewMiddleware",
    "config.middleware.PageAuthenticationMiddleware",
    "config.middleware.PageMessageMiddleware",
    "config.middleware.PageXFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTH_USER_MODEL = "billing.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "portal:overview"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT: Path | None = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# Whose pages an order of the API may lead back to, beside our own.
RETURN_HOSTS = [host.lower() for host in env.list("RETURN_HOSTS", default=[])]
CONTENT_SECURITY_POLICY: dict[str, dict[str, Any]] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF, *RETURN_HOSTS],
        "frame-ancestors": [NONE],
    }
}

UNFOLD = {
    "SITE_TITLE": "Tollgate",
    "SITE_HEADER": "Tollgate",
    "SITE_SYMBOL": "toll",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _: static("tollgate/mark.svg"),
        }
    ],
    "ENVIRONMENT": "config.admin.environment_label",
    "SIDEBAR": {"show_search": True, "navigation": "config.admin.sidebar"},
    "COLORS": {
        "primary": {
            "50": "#eefaf7",
            "100": "#d3f2eb",
            "200": "#a8e4d8",
            "300": "#74d0bf",
            "400": "#45b5a2",
            "500": "#1f9787",
            "600": "#0b6e5f",
            "700": "#0b5f53",
            "800": "#0d4c43",
            "900": "#0e3f38",
            "950": "#042521",
        },
    },
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "billing.api.authentication.ApiKeyAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "config.api.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_FORMATTER_CLASS": "config.api.ProblemFormatter",
    "EXCEPTION_HANDLER_CLASS": "config.api.ProblemHandler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tollgate",
    "DESCRIPTION": "Metering, pricing, prepaid credits and invoices for AI APIs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Mail has a queue and workers of its own: charges and refunds never wait behind it.
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_ROUTES = {"billing.tasks.send_notice": {"queue": "mail"}}

# How `manage.py serve` runs: for one machine; production scales each part alone.
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=4)
BEAT_SCHEDULE_FILE = embedded_folder() / "beat-schedule"

# What operators may set. Durations are in the unit their name says.
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="tollgate@localhost")
# A mail server that hangs must not hold a worker.
EMAIL_TIMEOUT = 15
ACCEPTANCE_WINDOW = timedelta(days=env.int("ACCEPTANCE_WINDOW_DAYS", default=35))
# How long after its expiry a lot still pays for usage that was posted late.
SETTLEMENT_WINDOW = timedelta(days=env.int("SETTLEMENT_WINDOW_DAYS", default=35))
# What may be bought without a pack, and refunded without a second person, in units of
# the wallet's currency.
PURCHASE_MINIMUM = Decimal(env.str("PURCHASE_MINIMUM", default="5"))
PURCHASE_MAXIMUM = Decimal(env.str("PURCHASE_MAXIMUM", default="10000"))
# The most that any customer may let be bought unattended in a month.
TOP_UP_MONTHLY_MAXIMUM = Decimal(env.str("TOP_UP_MONTHLY_MAXIMUM", default="1000"))
# What one grant by hand may give, in credits, whoever gives it.
GRANT_MAXIMUM = Decimal(env.str("GRANT_MAXIMUM", default="10000"))
REFUND_APPROVAL_ABOVE = Decimal(env.str("REFUND_APPROVAL_ABOVE", default="100"))
# After this long a purchase that nobody has paid for is void.
ORDER_LASTS = timedelta(days=env.int("ORDER_LASTS_DAYS", default=7))
# After this long without news, the provider is asked what became of a payment.
PAYMENT_PATIENCE = timedelta(minutes=env.int("PAYMENT_PATIENCE_MINUTES", default=10))
# Read when PAYMENT_PROVIDER is stripe. There are several webhook secrets while one is
# being replaced.
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRET", default=[])
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
STRIPE_TIMEOUT_SECONDS = env.int("STRIPE_TIMEOUT_SECONDS", default=15)
CLOCK_SKEW = timedelta(minutes=env.int("CLOCK_SKEW_MINUTES", default=5))
STREAM_TIMEOUT = timedelta(seconds=env.int("STREAM_TIMEOUT_SECONDS", default=300))
# How long a call that was admitted holds its credits without news of it.
HOLD_SECONDS = env.int("HOLD_SECONDS", default=300)
# How long an answer of the gate in Redis is waited for.
GATE_TIMEOUT_SECONDS = env.int("GATE_TIMEOUT_MILLISECONDS", default=50) / 1000
# How long a process goes on with what it read of a key, a plan, limits and caps.
CALLER_CACHE_SECONDS = env.int("CALLER_CACHE_SECONDS", default=1)
# Who shows it may read the metrics; without one, nobody.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
INVOICE_DRAFT_WINDOW = timedelta(hours=env.int("INVOICE_DRAFT_WINDOW_HOURS", default=1))

# One line of JSON for each record, with the request's id, whatever library logs it.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        },
    },
    "filters": {"no_refusals": {"()": "config.logs.NoRefusals"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "filters": ["no_refusals"],
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
}
