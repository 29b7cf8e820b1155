"""A PostgreSQL and a Valkey of the tests' own, and the application's rights in them."""

import os
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker, Settings

from billing.queries.callers import _cache
from config.partitions import create_partitions
from config.privileges import ROLE, grant_privileges
from config.services import hold_services
from ratelimits.breaker import Breaker

if TYPE_CHECKING:
    from billing.models import User

# A slow machine is no failure: it must not make tests flaky.
hypothesis_settings.register_profile("tollgate", deadline=None)
hypothesis_settings.load_profile("tollgate")

_FIRST_DATABASE = 2
_DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None,  # noqa: ARG001 - names each worker's database.
) -> None:
    """Start the servers, once some test wants them."""
    assert settings.ENVIRONMENT == "test"
    hold_services()


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None,  # noqa: ARG001 - makes the database, as its owner.
    django_db_blocker: DjangoDbBlocker,
) -> None:
    """Grant the application's role what `prepare_database` grants it."""
    with django_db_blocker.unblock():
        create_partitions(connection, around=timezone.now().date())
        grant_privileges(connection)


@pytest.fixture(autouse=True)
def _application_role(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give every test the rights that the application has, not the owner's."""
    if not _uses_database(request):
        yield
        return
    request.getfixturevalue("_django_db_helper")
    options = connection.settings_dict["OPTIONS"]
    # For the connections of other threads, which are yet to be made.
    options["assume_role"] = ROLE
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
    yield
    del options["assume_role"]
    if not connection.in_atomic_block:
        # Django empties the tables next, which only the owner may.
        connection.close()


def _uses_database(request: pytest.FixtureRequest) -> bool:
    marked = request.node.get_closest_marker("django_db") is not None
    return marked or bool(_DATABASE_FIXTURES & set(request.fixturenames))


@pytest.fixture(autouse=True)
def _own_gate(
    request: pytest.FixtureRequest,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Give every test that uses the database an empty gate, each worker its own."""
    if not _uses_database(request):
        return
    request.getfixturevalue("_django_db_helper")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    # After those of the product itself.
    number = _FIRST_DATABASE + int(worker)
    settings.REDIS_URL = settings.REDIS_URL.replace("db=0", f"db={number}")
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    # What failed in another test is no reason to leave it alone.
    monkeypatch.setattr("ratelimits.server._BREAKER", Breaker(pause=0.5))
    # Nor does a test know the customers of another.
    _cache.cache_clear()
    monkeypatch.setattr("ratelimits.in_process._BUCKETS", OrderedDict())


@pytest.fixture
def operator(client: Client, django_user_model: "type[User]") -> Client:
    """Return a signed-in operator's browser."""
    client.force_login(django_user_model.objects.create_superuser(username="operator"))
    return client
