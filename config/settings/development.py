"""One machine, embedded services, no secrets: what `make demo` runs."""

from config.services import embedded_folder
from config.settings.base import *  # noqa: F403
from config.settings.base import LOGGING, env

DEBUG = env.bool("DEBUG", default=False)
# Known to all, so good for nothing but a machine of one's own.
SECRET_KEY = env.str("SECRET_KEY", default="development-only")
SIMULATED_WEBHOOK_SECRET = "whsec_ZGV2ZWxvcG1lbnQtb25seS1zZWNyZXQ="  # noqa: S105
PAYMENT_PROVIDER = "simulated"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# Nobody gets mail from here: each is a file to be looked at.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = embedded_folder() / "mails"
ENVIRONMENT = "development"
# Static files straight from the packages: nothing to collect first.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
# Only what a person at a terminal should see.
LOGGING["root"]["level"] = "ERROR"
