"""Usage is counted to the API key that made it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import (
    ApiKey,
    Customer,
    KeyRollup,
    QuarantinedEvent,
    UsageEvent,
)
from billing.services.customers import revoke_api_key
from billing.services.events import Outcome, PostedEvent, Status, StreamPart
from billing.services.metering import cut_stream, record_events
from billing.services.quarantine import retry_quarantined
from tests import audit, make
from tests.billing.capping import named_key
from tests.raw import execute, refusal, tampering

pytestmark = pytest.mark.django_db
COST = Decimal("0.014232")
# Of events that named no key, as they were before any could.
WHOLE = "8c1cc77eb3276c7b43790ee2734d3b04d32116cac618dae37b7d360884f6a1a1"
CHUNK = "17575618bbaf95ce1b8cf4bfc0cf6a02b3c6384549450f0d0ec3ad06f74b4437"


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits, whose days begin in Berlin."""
    return make.customer(credits="10", time_zone="Europe/Berlin")


@pytest.fixture
def key(customer: Customer) -> ApiKey:
    """Return a key of the customer."""
    return named_key(customer)


def sums() -> list[tuple[Any, ...]]:
    rows = KeyRollup.objects.order_by("api_key", "day", "model")
    return [(f"{r.day:%d}", r.model, r.calls, r.amount) for r in rows]


def rejected(outcome: Outcome) -> str | None:
    assert (outcome.status, outcome.path) == (Status.REJECTED, ("api_key",))
    return outcome.code


class TestAnEvent:
    def test_is_counted_to_the_key_it_names(self, key: ApiKey) -> None:
        make.record(make.event(api_key=key.prefix))

        assert UsageEvent.objects.get().api_key == key
        assert sums() == [("15", "text-gen-v3", 1, COST)]
        assert audit.differences() == []

    def test_is_counted_to_the_customers_key_that_posts_it(self, key: ApiKey) -> None:
        record_events(events=[make.event()], received_at=make.NOW, own_key=key)

        assert UsageEvent.objects.get().api_key == key

    def test_without_a_key_is_counted_to_none(self, key: ApiKey) -> None:
        make.record(make.event(), make.event("b", api_key=key.prefix))

        assert UsageEvent.objects.filter(api_key=None).count() == 1
        assert [row[2] for row in sums()] == [1]
        assert audit.differences() == []

    def test_may_name_a_key_that_was_revoked(self, key: ApiKey) -> None:
        revoke_api_key(key=key, at=make.NOW)

        [outcome] = make.record(make.event(api_key=key.prefix))

        assert outcome.status == Status.ACCEPTED

    def test_names_no_key_that_is_not_there(self, key: ApiKey) -> None:
        good, bad = make.record(
            make.event(api_key=key.prefix), make.event("b", api_key="tg_unknown1")
        )

        assert good.status == Status.ACCEPTED
        assert rejected(bad) == "unknown_api_key"
        assert UsageEvent.objects.count() == 1

    def test_names_no_key_of_another(self, key: ApiKey) -> None:
        other = named_key(make.customer(external_id="cus_other"))
        service = make.key_of(make.service_key())

        outcomes = make.record(
            make.event("a", api_key=other.prefix),
            make.event("b", api_key=service.prefix),
        )

        assert list(map(rejected, outcomes)) == ["unknown_api_key"] * 2
        assert outcomes[0].detail == f"The customer has no API key '{other.prefix}'."
        assert key.prefix != other.prefix

    def test_posted_by_a_key_names_no_other(
        self, customer: Customer, key: ApiKey
    ) -> None:
        other = named_key(customer)
        events = [
            make.event("a", api_key=key.prefix),
            make.event("b", api_key=other.prefix),
        ]

        own, foreign = record_events(events=events, received_at=make.NOW, own_key=key)

        assert own.status == Status.ACCEPTED
        assert rejected(foreign) == "unknown_api_key"

    def test_names_no_secret(self, customer: Customer) -> None:
        secret = make.customer_key(customer)

        [outcome] = make.record(make.event(api_key=secret))

        assert rejected(outcome) == "secret_api_key"
        assert secret.partition(".")[0] not in str(outcome.detail)
        assert secret.partition(".")[2] not in str(outcome.detail)

    def test_costs_two_queries_a_batch_for_its_key(self, key: ApiKey) -> None:
        plain = [make.event(f"a{n}") for n in range(20)]
        named = [make.event(f"b{n}", api_key=key.prefix) for n in range(20)]

        make.record(make.event("prices are read once"))

        # Finding the keys, and adding to what they spent.
        assert _count_queries(named) == _count_queries(plain) + 2


def _count_queries(events: list[PostedEvent]) -> int:
    with CaptureQueriesContext(connection) as captured:
        make.record(*events)
    return len(captured)


class TestItsFingerprint:
    def test_is_what_it_was_where_no_key_is_named(self) -> None:
        chunk = make.event(stream=StreamPart(0, is_final=False))

        assert make.event().fingerprint().hex() == WHOLE
        assert chunk.fingerprint().hex() == CHUNK

    def test_is_another_with_a_key(self) -> None:
        named = {make.event(api_key=name).fingerprint() for name in ("tg_a", "tg_b")}

        assert len(named - {make.event().fingerprint()}) == 2

    def test_is_the_same_whichever_key_posts_it(
        self, customer: Customer, key: ApiKey
    ) -> None:
        record_events(events=[make.event()], received_at=make.NOW, own_key=key)
        newer = named_key(customer)

        [again] = record_events(
            events=[make.event()], received_at=make.NOW, own_key=newer
        )

        assert again.status == Status.DUPLICATE
        assert UsageEvent.objects.get().api_key == key


class TestAStream:
    def test_is_counted_to_the_key_of_its_first_chunk(
        self, customer: Customer, key: ApiKey
    ) -> None:
        other = named_key(customer)
        first = make.event(stream=StreamPart(0, is_final=False), api_key=key.prefix)
        final = make.event(stream=StreamPart(1, is_final=True), api_key=other.prefix)

        make.record(final)
        [outcome] = make.record(first)

        assert outcome.cost
        assert UsageEvent.objects.get().api_key == key
        assert audit.differences() == []

    def test_that_was_cut_keeps_it(self, key: ApiKey) -> None:
        make.record(
            make.event(stream=StreamPart(0, is_final=False), api_key=key.prefix)
        )
        later = make.NOW + timedelta(hours=1)

        cut_stream(
            customer="cus_abc123", key="req_1", silent_since=later, received_at=later
        )

        assert UsageEvent.objects.get().api_key == key


class TestAKeyIsKept:
    def test_by_what_waits_in_quarantine(self, customer: Customer, key: ApiKey) -> None:
        make.record(make.event(model="newer", api_key=key.prefix))
        assert QuarantinedEvent.objects.get().api_key == key
        text = make.SEED_CARD.replace("text-gen-v3", "newer")
        make.published_version(
            customer.plan.rate_card,
            text,
            effective_from=make.NOW - timedelta(days=1),
        )

        retry_quarantined(received_at=make.NOW)

        assert UsageEvent.objects.get().api_key == key
        assert sums() == [("15", "newer", 1, COST)]
        assert audit.differences() == []

    def test_by_what_stands_instead(self, customer: Customer, key: ApiKey) -> None:
        make.record(make.event(api_key=key.prefix))

        made = make.amend(customer, output_tokens=0)

        assert made.replacement
        assert made.replacement.api_key == key
        assert sums() == [("15", "text-gen-v3", 1, Decimal("0.001236"))]
        assert audit.differences() == []


def test_what_is_taken_back_is_counted_no_more(customer: Customer, key: ApiKey) -> None:
    make.record(make.event(api_key=key.prefix), make.event("b", api_key=key.prefix))

    make.void(customer)

    assert sums() == [("15", "text-gen-v3", 1, COST)]
    assert audit.differences() == []


def test_days_are_the_customers(key: ApiKey) -> None:
    before, after = (
        datetime(2026, 11, 14, 22, 59, tzinfo=UTC),
        datetime(2026, 11, 14, 23, 0, tzinfo=UTC),
    )

    make.record(
        make.event("a", occurred_at=before, api_key=key.prefix),
        make.event("b", occurred_at=after, api_key=key.prefix),
    )

    assert [row[0] for row in sums()] == ["14", "15"]
    assert audit.differences() == []


@pytest.mark.parametrize(
    ("table", "statement", "check"),
    [
        ("billing_keyrollup", "UPDATE billing_keyrollup SET amount = 9", ", 9 stored"),
        ("billing_keyrollup", "UPDATE billing_keyrollup SET calls = 9", "9 calls"),
        ("billing_keyrollup", "DELETE FROM billing_keyrollup", "1 calls"),
        (
            "billing_usageevent",
            "UPDATE billing_usageevent SET api_key_id = 0",
            "customer ",
        ),
    ],
)
def test_the_auditor_sees_what_was_changed(
    key: ApiKey, table: str, statement: str, check: str
) -> None:
    make.record(make.event(api_key=key.prefix))

    with tampering(table):
        execute(statement)

    assert any(check in line for line in audit.differences())


def test_a_key_keeps_its_customer(key: ApiKey) -> None:
    other = make.customer(external_id="cus_other")

    refused = refusal("UPDATE billing_apikey SET customer_id = %s", other.pk)

    assert "Cannot update" in str(refused)
    key.refresh_from_db()
    assert key.customer != other
