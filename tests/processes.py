"""Processes of the product that work on the test's database, as production's do."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from config.privileges import ROLE

ROOT = Path(__file__).resolve().parents[1]


def environment() -> dict[str, str]:
    """Return the variables that lead a process to the servers of this test."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DATABASE_URL": _database_url(ROLE),
        "DATABASE_OWNER_URL": _database_url(connection.settings_dict["USER"]),
        "REDIS_URL": settings.REDIS_URL,
        "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
    }


def _database_url(role: str) -> str:
    server = connection.settings_dict
    path = f"{quote(server['HOST'])}/{server['NAME']}"
    return f"postgresql://{role}@:{server['PORT']}/{path}"


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
