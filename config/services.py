"""Where PostgreSQL and Redis are: given by the environment, or embedded.

Addresses are worked out without starting anything, so that settings stay free of
effects; the entry points (manage.py, the web server, Celery) call `hold_services`.
"""

import os
from pathlib import Path

import environ

from config import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
# Before anyone asks the environment; what is set there already stands.
environ.Env.read_env(BASE_DIR / ".env")

URLS = ("DATABASE_URL", "REDIS_URL")


class IncompleteServicesError(RuntimeError):
    """Only one of DATABASE_URL and REDIS_URL is set."""


def is_embedded() -> bool:
    """Tell whether the servers are ours to start.

    :raises IncompleteServicesError: if one of the two URLs is set without the other.
    """
    given = [name for name in URLS if os.environ.get(name)]
    if len(given) == 1:
        missing = next(name for name in URLS if name not in given)
        message = f"{given[0]} is set but {missing} is not: set both, or neither."
        raise IncompleteServicesError(message)
    return not given


def embedded_folder() -> Path:
    """Return where the embedded servers keep their data between runs."""
    return Path(os.environ.get("TOLLGATE_FOLDER", BASE_DIR / ".tollgate" / "run"))


def hold_services() -> None:
    """Start the embedded servers, if they are wanted, until this process ends."""
    if is_embedded():
        embedded.hold(embedded_folder())
