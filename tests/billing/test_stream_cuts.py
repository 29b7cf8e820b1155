from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from billing import tasks
from billing.models import Stream, UsageEvent
from billing.services.events import PostedEvent, Status, StreamPart
from billing.services.metering import cut_stream
from billing.services.streams import list_silent_streams
from tests import audit, make

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=10)


def chunk(sequence: int, *, final: bool = False, key: str = "s") -> PostedEvent:
    part = StreamPart(sequence, final)
    return make.event(key, stream=part, input_tokens=0, output_tokens=1000)


def cut(*, silent_since: datetime = LATER) -> int:
    silent = list_silent_streams(since=silent_since)
    return sum(
        cut_stream(
            customer=customer, key=key, silent_since=silent_since, received_at=LATER
        )
        for customer, key in silent
    )


@pytest.fixture(autouse=True)
def _customer() -> None:
    make.customer(credits="50")


def test_charges_what_was_generated() -> None:
    make.record(chunk(0))
    make.record(chunk(1))

    assert cut() == 1

    stored = UsageEvent.objects.get()
    assert stored.amount == Decimal("0.024")
    assert stored.properties["stream_cut"] is True
    assert audit.differences() == []


def test_charges_what_is_there_though_a_chunk_is_missing() -> None:
    make.record(chunk(0), chunk(2, final=True))

    cut()

    assert UsageEvent.objects.get().amount == Decimal("0.024")


def test_marks_the_stream_as_cut() -> None:
    make.record(chunk(0))

    cut()

    stream = Stream.objects.get()
    assert (stream.is_cut, stream.closed_at) == (True, LATER)
    assert stream.last_chunk_at == make.NOW


def test_leaves_streams_that_are_not_silent() -> None:
    make.record(chunk(0))

    assert cut(silent_since=make.NOW) == 0
    assert Stream.objects.get().closed_at is None


def test_counts_the_silence_from_the_last_chunk() -> None:
    make.record(chunk(0))
    make.record(chunk(1), at=LATER)

    assert cut() == 0


def test_runs_twice_and_charges_once() -> None:
    make.record(chunk(0))

    assert [cut(), cut()] == [1, 0]
    assert UsageEvent.objects.count() == 1


def test_cuts_every_silent_stream_of_every_customer() -> None:
    make.customer(external_id="cus_other", credits="50")
    part = StreamPart(0, is_final=False)
    make.record(
        chunk(0, key="a"),
        chunk(0, key="b"),
        make.event("a", customer="cus_other", stream=part),
    )

    assert cut() == 3
    assert audit.differences() == []


def test_refuses_a_chunk_that_comes_after_it() -> None:
    make.record(chunk(0))
    cut()

    [late] = make.record(chunk(1, final=True), at=LATER)

    assert (late.status, late.code) == (Status.CONFLICT, "stream_conflict")
    assert UsageEvent.objects.get().amount == Decimal("0.012")


def test_answers_a_repeated_chunk_with_the_cost_of_the_cut_stream() -> None:
    make.record(chunk(0))
    cut()

    [again] = make.record(chunk(0), at=LATER)

    assert (again.status, again.cost) == (Status.DUPLICATE, Decimal("0.012"))


def test_is_not_stopped_by_a_stream_that_has_no_price() -> None:
    part = StreamPart(0, is_final=False)
    make.record(make.event("bad", stream=part, output_tokens="NaN"), chunk(0))

    assert cut() == 2
    assert UsageEvent.objects.get().idempotency_key == "s"


def test_leaves_the_key_to_an_event_that_took_it() -> None:
    make.record(chunk(0))
    make.record(make.event("s"))

    cut()

    assert UsageEvent.objects.get().amount == Decimal("0.014232")
    assert audit.differences() == []


def test_lists_the_longest_silence_first() -> None:
    make.record(chunk(0, key="b"))
    make.record(chunk(0, key="a"), at=make.NOW + timedelta(seconds=1))

    assert list_silent_streams(since=LATER) == [
        ("cus_abc123", "b"),
        ("cus_abc123", "a"),
    ]


@pytest.mark.parametrize(("seconds", "events"), [(300, 0), (301, 1)])
def test_the_task_waits_five_minutes(seconds: int, events: int) -> None:
    make.record(chunk(0))

    with time_machine.travel(make.NOW + timedelta(seconds=seconds), tick=False):
        tasks.cut_stream(customer="cus_abc123", key="s")

    assert UsageEvent.objects.count() == events
