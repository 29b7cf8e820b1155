"""The client asks the real Tollgate, and the fake is seen to answer as that does."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from billing.services.customers import USAGE_READ, issue_api_key
from ratelimits.enforcement.client import TollgateClient
from tests import make
from tests.billing import dollars
from tests.ratelimits.test_client import ask
from tests.ratelimits.tollgate_fake import TollgateFake

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def real(live_server: LiveServer) -> Iterator[TollgateClient]:
    """Return a client of a Tollgate at which the customer has five dollars."""
    dollars.customer()
    client = TollgateClient(live_server.url, make.service_key(), timeout=10)
    yield client
    client.close()


def test_a_call_is_admitted_by_both(
    real: TollgateClient, tollgate: TollgateClient
) -> None:
    told = [ask(client, max_output_tokens=4) for client in (real, tollgate)]

    assert [(each.admitted, each.status, each.is_known) for each in told] == [
        (True, 200, True)
    ] * 2
    assert {each.customer_id for each in told} == {"cus_abc123"}


@pytest.mark.parametrize(
    ("more", "status", "limit_source"),
    [
        ({"max_output_tokens": 5}, 402, "account_credits"),
        ({"customer_id": "cus_none"}, 404, None),
    ],
)
def test_a_call_is_refused_by_both(
    real: TollgateClient,
    tollgate: TollgateClient,
    more: dict[str, Any],
    status: int,
    limit_source: str | None,
) -> None:
    told = [ask(client, **more) for client in (real, tollgate)]

    assert [(each.admitted, each.status, each.is_known) for each in told] == [
        (False, status, True)
    ] * 2
    assert {each.limit_source for each in told} == {limit_source}
    assert len({each.problem["code"] for each in told}) == 1
    assert set(told[1].problem) <= set(told[0].problem)


def test_a_key_without_the_scope_is_the_services_own_fault(
    live_server: LiveServer, fake: TollgateFake
) -> None:
    reader = issue_api_key(name="reader", scopes=[USAGE_READ]).secret
    clients = [TollgateClient(url, reader) for url in (live_server.url, fake.url)]

    assert [ask(client).status for client in clients] == [503, 503]
    for client in clients:
        client.close()
