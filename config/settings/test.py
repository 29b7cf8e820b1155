"""For pytest, mypy and the migration linter: services of the tests' own."""

import os
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2] / ".tollgate" / "test"
# Before base reads it: the tests never meet the data of `make demo`.
os.environ.setdefault("TOLLGATE_FOLDER", str(_FOLDER))

from config.settings.development import *  # noqa: E402, F403
from config.settings.development import DATABASES  # noqa: E402

ENVIRONMENT = "test"
# The tests make and drop databases, which only the owner may. tests/conftest.py then
# hands every test the application's role.
DATABASES["default"] = DATABASES["owner"] | {"OPTIONS": {}, "TEST": {}}
# No test leaves this machine: nobody listens there.
STRIPE_API_BASE = "http://127.0.0.1:9"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# A slow machine is no failure.
GATE_TIMEOUT_SECONDS = 5
# Each test sees at once what it changed.
CALLER_CACHE_SECONDS = 0
