"""What counts as spent: by day and month of the customer's own clocks."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from billing.models import ApiKey, CapOwner, CapPeriod, Customer
from billing.periods import day_containing
from billing.queries import caps
from billing.queries.caps import Cap, list_caps, read_spent
from tests import make
from tests.billing.capping import cap, named_key, spent
from tests.raw import execute

COST = Decimal("0.014232")
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    BERLIN,
    ZoneInfo("America/New_York"),
    # Clocks change at midnight: there is none, or there are two.
    ZoneInfo("America/Sao_Paulo"),
    ZoneInfo("America/Havana"),
    # A day that was left out.
    ZoneInfo("Pacific/Apia"),
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("UTC"),
]
MONTH = CapPeriod.MONTH
# In seconds: 2010 to 2035.
FIRST, LAST = 1_262_304_000, 2_051_222_400


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def window(period: CapPeriod, at: str, zone: ZoneInfo) -> Sequence[str]:
    tried = Cap(1, 1, None, "", period, Decimal(1), CapOwner.CUSTOMER)
    found = tried.window(instant(at), zone)
    return [f"{each:%Y-%m-%dT%H:%M%z}" for each in (found.start, found.end)]


class TestTheWindow:
    @pytest.mark.parametrize(
        ("day", "start", "end"),
        [
            ("2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
            ("2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
            ("2026-11-15", "2026-11-14T23:00", "2026-11-15T23:00"),
        ],
    )
    def test_of_a_day_is_as_long_as_the_day(
        self, day: str, start: str, end: str
    ) -> None:
        expected = [f"{start}+0000", f"{end}+0000"]

        assert window(CapPeriod.DAY, f"{day}T12:00:00+00:00", BERLIN) == expected

    def test_of_a_month_is_the_calendars(self) -> None:
        assert window(MONTH, "2026-11-30T22:59:59+00:00", BERLIN) == [
            "2026-10-31T23:00+0000",
            "2026-11-30T23:00+0000",
        ]
        assert window(MONTH, "2026-11-30T23:00:00+00:00", BERLIN)[0] == (
            "2026-11-30T23:00+0000"
        )

    @given(
        at=st.integers(FIRST, LAST),
        zone=st.sampled_from(ZONES),
    )
    def test_holds_the_instants_of_one_date(self, at: int, zone: ZoneInfo) -> None:
        now = datetime.fromtimestamp(at, UTC)
        day, least = day_containing(now, zone), timedelta(microseconds=1)

        dates = [
            each.astimezone(zone).date()
            for each in (day.start - least, day.start, now, day.end - least, day.end)
        ]

        assert now in day
        assert dates[0] < dates[1] == dates[2] == dates[3] < dates[4]


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits, whose days begin in Berlin."""
    return make.customer(credits="10", time_zone="Europe/Berlin")


@pytest.fixture
def key(customer: Customer) -> ApiKey:
    """Return a key of the customer."""
    return named_key(customer)


def call(
    name: str, at: str = "", *, api_key: str | None = None, model: str = "text-gen-v3"
) -> None:
    when = instant(at) if at else make.NOW
    posted = make.event(name, occurred_at=when, api_key=api_key, model=model)
    make.record(posted, at=when)


@pytest.mark.django_db
class TestSpent:
    def test_is_nothing_before_the_first_call(
        self, customer: Customer, key: ApiKey
    ) -> None:
        cap(customer)
        cap(customer, api_key=key)

        assert spent(customer) == [0, 0]

    def test_is_counted_by_key_and_model(self, customer: Customer, key: ApiKey) -> None:
        other = named_key(customer)
        text = make.SEED_CARD.replace("text-gen-v3", "second")
        make.terms(customer, card=make.rate_card(text))
        cap(customer)
        cap(customer, model="second")
        cap(customer, api_key=key)
        cap(customer, api_key=key, model="second")
        cap(customer, api_key=other)

        call("a")
        call("b", api_key=key.prefix)
        call("c", api_key=key.prefix, model="second")
        call("d", model="second")

        assert spent(customer) == [COST * n for n in (4, 2, 2, 1, 0)]

    def test_of_another_customer_is_not_counted(self, customer: Customer) -> None:
        cap(customer)
        make.customer(external_id="cus_other", credits="10")

        make.record(make.event(customer="cus_other"))

        assert spent(customer) == [0]

    def test_begins_anew_at_the_customers_midnight(
        self, customer: Customer, key: ApiKey
    ) -> None:
        for scope in (None, key):
            cap(customer, api_key=scope)
            cap(customer, api_key=scope, period=MONTH)
        call("a", "2026-11-15T23:59:59+01:00", api_key=key.prefix)
        call("b", "2026-11-16T00:00:00+01:00", api_key=key.prefix)
        call("c", "2026-11-16T00:00:01+01:00", api_key=key.prefix)

        before = instant("2026-11-15T23:59:59+01:00")
        after = instant("2026-11-16T12:00:00+01:00")
        assert spent(customer, at=before) == [COST, 3 * COST] * 2
        assert spent(customer, at=after) == [2 * COST, 3 * COST] * 2

    def test_begins_anew_with_the_month(self, customer: Customer, key: ApiKey) -> None:
        for scope in (None, key):
            cap(customer, api_key=scope, period=MONTH)
        call("a", "2026-10-31T23:59:59+01:00", api_key=key.prefix)
        call("b", "2026-11-01T00:00:00+01:00", api_key=key.prefix)
        call("c", "2026-11-30T23:59:59+01:00", api_key=key.prefix)
        call("d", "2026-12-01T00:00:00+01:00", api_key=key.prefix)

        assert spent(customer) == [2 * COST] * 2
        assert spent(customer, at=instant("2026-12-31T12:00+01:00")) == [COST] * 2

    @pytest.mark.parametrize(
        ("first", "last", "next_day"),
        [
            # 23 hours, and 25: the hour from two to three comes twice.
            ("03-29T00:00+01:00", "03-29T23:59+02:00", "03-30T00:00+02:00"),
            ("10-25T00:00+02:00", "10-25T23:59+01:00", "10-26T00:00+01:00"),
        ],
    )
    def test_is_of_the_whole_day_on_which_clocks_change(
        self, customer: Customer, first: str, last: str, next_day: str
    ) -> None:
        cap(customer)
        for at in (first, last, next_day):
            call(at, f"2026-{at}")

        assert spent(customer, at=instant(f"2026-{last}")) == [2 * COST]
        assert spent(customer, at=instant(f"2026-{next_day}")) == [COST]

    def test_is_without_what_was_taken_back(
        self, customer: Customer, key: ApiKey
    ) -> None:
        cap(customer)
        cap(customer, api_key=key)
        call("a", api_key=key.prefix)
        call("b", api_key=key.prefix)

        make.void(customer, "a")
        make.amend(customer, "b", output_tokens=0)

        assert spent(customer) == [Decimal("0.001236")] * 2

    def test_is_of_the_day_of_the_call_whenever_it_is_billed(
        self, customer: Customer, key: ApiKey
    ) -> None:
        for scope in (None, key):
            cap(customer, api_key=scope, period=MONTH)
        october = instant("2026-10-30T12:00+01:00")
        call("a", "2026-10-30T12:00+01:00", api_key=key.prefix)
        make.close_period(instant("2026-11-01T00:00+01:00"))
        late = make.event("b", occurred_at=october, api_key=key.prefix)
        make.record(late)

        make.void(customer, "a")

        assert spent(customer) == [0, 0]
        assert spent(customer, at=october) == [COST, COST]

    def test_is_read_in_two_queries_at_most(
        self,
        customer: Customer,
        key: ApiKey,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        cap(customer)
        cap(customer, period=MONTH, model="gpt")
        cap(customer, api_key=key)
        found = list_caps(customer.pk)

        for some, queries in ((found, 2), (found[:1], 1), (found[2:], 1), ([], 0)):
            with django_assert_num_queries(queries):
                sums = read_spent(
                    customer_id=customer.pk, caps=some, at=make.NOW, zone=BERLIN
                )
            assert len(sums) == len(some)

    @pytest.mark.parametrize(
        ("statement", "index"),
        [
            (caps._OF_CUSTOMER, "billing_usagerollup_by_day"),
            (caps._OF_KEYS, "billing_keyrollup_one_per_key_day_and_model"),
        ],
    )
    def test_is_read_by_an_index(self, statement: str, index: str) -> None:
        execute("SET LOCAL enable_seqscan = off")
        day = make.NOW.date()
        values: dict[str, Any] = {"customer_id": 1, "keys": [1], "today": day}

        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", values | {"first": day, "last": day})
            plan = "\n".join(line for (line,) in cursor)

        assert f"Index Scan using {index}" in plan or f"Scan on {index}" in plan
