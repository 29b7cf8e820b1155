from datetime import timedelta

import pytest
from pytest_django import Settings

from billing.models import IdempotencyClaim
from billing.services.events import Status
from tests import make

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
DAYS = timedelta(days=35)
AHEAD = timedelta(minutes=5)


@pytest.mark.parametrize("age", [DAYS, DAYS - SECOND, timedelta(0), -AHEAD])
def test_events_within_the_window_are_accepted(age: timedelta) -> None:
    make.customer(credits="50")

    [outcome] = make.record(make.event(occurred_at=make.NOW - age))

    assert outcome.status is Status.ACCEPTED


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (DAYS + SECOND, "too_old"),
        (DAYS + timedelta(microseconds=1), "too_old"),
        (-AHEAD - SECOND, "in_the_future"),
        (-AHEAD - timedelta(microseconds=1), "in_the_future"),
    ],
)
def test_events_outside_the_window_are_rejected(age: timedelta, code: str) -> None:
    make.customer(credits="50")

    [outcome] = make.record(make.event(occurred_at=make.NOW - age))

    assert outcome.status is Status.REJECTED
    assert (outcome.code, outcome.path) == (code, ("timestamp",))
    assert not IdempotencyClaim.objects.exists()


def test_refusals_name_the_window(settings: Settings) -> None:
    settings.ACCEPTANCE_WINDOW = timedelta(hours=3)
    make.customer(credits="50")

    old, early = make.record(
        make.event("a", occurred_at=make.NOW - timedelta(days=1)),
        make.event("b", occurred_at=make.NOW + timedelta(days=1)),
    )

    assert old.detail == "Events are accepted for 180 minutes."
    assert early.detail == "The time is more than 5 minutes ahead."


def test_an_event_of_the_far_past_or_future_is_rejected() -> None:
    make.customer(credits="50")
    extremes = [make.NOW.replace(year=1), make.NOW.replace(year=9999)]
    events = [make.event(str(at), occurred_at=at) for at in extremes]

    outcomes = make.record(*events)

    assert [outcome.code for outcome in outcomes] == ["too_old", "in_the_future"]


def test_the_window_in_days_is_named_in_days() -> None:
    make.customer(credits="50")

    [outcome] = make.record(make.event(occurred_at=make.NOW - timedelta(days=36)))

    assert outcome.detail == "Events are accepted for 35 days."
