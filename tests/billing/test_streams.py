from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Stream, StreamChunk, UsageEvent
from billing.services.events import Outcome, PostedEvent, Status, StreamPart
from tests import audit, make

pytestmark = pytest.mark.django_db
CUSTOM_CARD = """\
model: voice
rates:
  - dimension: credits_of_voice
    unit: 1 second
    price_usd: 0.5
"""


def chunk(
    sequence: int, *, final: bool = False, key: str = "s", **properties: Any
) -> PostedEvent:
    part = StreamPart(sequence, final)
    return make.event(
        key, stream=part, **{"input_tokens": 0, "output_tokens": 0} | properties
    )


def post(*chunks: PostedEvent) -> list[Outcome]:
    return [make.record(each)[0] for each in chunks]


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [o.status + (" open" if o.is_open_stream else "") for o in outcomes]


@pytest.fixture(autouse=True)
def _customer() -> None:
    make.customer(credits="50")


class TestAStream:
    def test_waits_for_its_final_chunk(self) -> None:
        outcomes = post(chunk(0), chunk(1))

        assert statuses(outcomes) == ["accepted open", "accepted open"]
        assert outcomes[0].cost is None
        assert not UsageEvent.objects.exists()
        assert StreamChunk.objects.count() == 2

    def test_becomes_one_event_that_sums_its_quantities(self) -> None:
        outcomes = post(
            chunk(0, input_tokens=1000), chunk(1, output_tokens=400), chunk(2)
        )
        [last] = post(chunk(3, final=True, output_tokens=600))

        assert {outcome.is_open_stream for outcome in outcomes} == {True}
        assert statuses([last]) == ["accepted"]
        assert last.cost == Decimal("0.003") + Decimal("0.012")
        stored = UsageEvent.objects.get()
        assert stored.properties["input_tokens"] == 1000
        assert stored.properties["output_tokens"] == 1000
        assert audit.differences() == []

    def test_closes_whatever_the_order_of_its_chunks(self) -> None:
        outcomes = post(
            chunk(2, final=True, output_tokens=3), chunk(0, output_tokens=1)
        )

        [last] = post(chunk(1, output_tokens=2))

        assert statuses(outcomes) == ["accepted open", "accepted open"]
        assert statuses([last]) == ["accepted"]
        assert UsageEvent.objects.get().properties["output_tokens"] == 6

    def test_of_one_chunk_closes_at_once(self) -> None:
        [outcome] = post(chunk(0, final=True, output_tokens=1000))

        assert outcome.cost == Decimal("0.012")

    def test_within_one_batch_answers_the_last_chunk_with_the_cost(self) -> None:
        outcomes = make.record(
            chunk(0), chunk(1, final=True, output_tokens=1000), make.event("other")
        )

        assert statuses(outcomes) == ["accepted open", "accepted", "accepted"]
        assert outcomes[1].cost == Decimal("0.012")

    def test_happened_when_its_first_chunk_did(self) -> None:
        hour = timedelta(hours=1)
        early = make.event(
            "s", stream=StreamPart(0, is_final=False), occurred_at=make.NOW - hour
        )

        post(chunk(1, final=True), early)

        assert UsageEvent.objects.get().occurred_at == make.NOW - hour

    def test_keeps_the_last_word_on_what_is_no_quantity(self) -> None:
        post(chunk(0, status="started"), chunk(1, final=True, status="done"))

        assert UsageEvent.objects.get().properties["status"] == "done"

    def test_adds_to_the_last_digit(self) -> None:
        long = Decimal("100000000000.000000000000000001")

        post(chunk(0, output_tokens=long), chunk(1, final=True, output_tokens="2"))

        stored = UsageEvent.objects.get().properties["output_tokens"]
        assert stored == Decimal("100000000002.000000000000000001")

    def test_sums_what_its_model_has_a_price_for(self) -> None:
        card = make.rate_card(CUSTOM_CARD)
        make.customer(external_id="cus_voice", plan=make.plan(card=card), credits="9")
        parts = [
            make.event(
                "s",
                customer="cus_voice",
                stream=StreamPart(n, is_final=n == 1),
                model="voice",
                credits_of_voice=3,
                input_tokens=0,
                output_tokens=0,
            )
            for n in range(2)
        ]

        [_, last] = post(*parts)

        assert last.cost == 3

    def test_may_use_the_key_of_another_customers_stream(self) -> None:
        make.customer(external_id="cus_other", credits="1")
        part = StreamPart(0, is_final=True)

        outcomes = post(
            chunk(0), make.event("s", customer="cus_other", stream=part), chunk(1)
        )

        assert statuses(outcomes) == ["accepted open", "accepted", "accepted open"]


class TestWhatIsNoNumber:
    @pytest.mark.parametrize("position", [0, 1, 2])
    @pytest.mark.parametrize(
        "value", ["many", None, True, -1, "NaN", "1_000", [1], "1E+999999"]
    )
    def test_sends_the_whole_stream_to_quarantine(
        self, position: int, value: object
    ) -> None:
        quantities: list[object] = [5, 5, 5]
        quantities[position] = value

        outcomes = make.record(
            *[chunk(n, output_tokens=q) for n, q in enumerate(quantities)],
            chunk(3, final=True, output_tokens=5),
        )

        assert statuses(outcomes)[3] == "quarantined"
        assert outcomes[3].code == "bad_quantity"
        assert audit.differences() == []


class TestARepeatedChunk:
    def test_of_an_open_stream_is_a_duplicate(self) -> None:
        outcomes = post(chunk(0, output_tokens=5), chunk(0, output_tokens=5))

        assert statuses(outcomes) == ["accepted open", "duplicate open"]
        assert StreamChunk.objects.count() == 1

    def test_in_one_batch_is_a_duplicate(self) -> None:
        outcomes = make.record(chunk(0), chunk(0))

        assert statuses(outcomes) == ["accepted open", "duplicate open"]

    @pytest.mark.parametrize("sequence", [0, 1])
    def test_of_a_closed_stream_is_answered_with_the_first_cost(
        self, sequence: int
    ) -> None:
        parts = [chunk(0, output_tokens=5), chunk(1, final=True, output_tokens=5)]
        [_, first] = post(*parts)

        [again] = post(parts[sequence])

        assert again.status is Status.DUPLICATE
        assert (again.cost, again.balance) == (first.cost, first.balance)
        assert not again.is_open_stream
        assert UsageEvent.objects.count() == 1

    def test_of_a_quarantined_stream_says_why_it_waits(self) -> None:
        part = chunk(0, final=True, model="unknown")
        post(part)

        [again] = post(part)

        assert (again.status, again.code) == (Status.DUPLICATE, "unknown_model")


class TestAChunkThatContradicts:
    def test_the_same_one_before_is_a_conflict(self) -> None:
        [_, outcome] = post(chunk(0, output_tokens=5), chunk(0, output_tokens=6))

        assert outcome.status is Status.CONFLICT
        assert outcome.code == "stream_conflict"
        assert outcome.path == ("stream", "sequence")
        assert outcome.detail == "Chunk 0 was posted before with another payload."

    def test_the_end_of_its_stream_is_a_conflict(self) -> None:
        outcomes = post(chunk(1, final=True), chunk(2))

        assert statuses(outcomes) == ["accepted open", "conflict"]
        assert outcomes[1].detail == "Chunk 1 was posted as the final one."

    def test_another_final_one_is_a_conflict(self) -> None:
        outcomes = post(chunk(2, final=True), chunk(1, final=True))

        assert statuses(outcomes) == ["accepted open", "conflict"]
        assert outcomes[1].detail == "Chunk 2 was posted as the final one."

    def test_chunks_beyond_it_is_a_conflict(self) -> None:
        outcomes = post(chunk(5), chunk(3, final=True))

        assert statuses(outcomes) == ["accepted open", "conflict"]
        assert outcomes[1].detail == ("Chunk 5 was posted, beyond this final one.")

    def test_a_closed_stream_is_a_conflict(self) -> None:
        outcomes = post(chunk(0, final=True), chunk(1))

        assert statuses(outcomes) == ["accepted", "conflict"]
        assert outcomes[1].detail == "The stream has closed; its usage is recorded."

    def test_spoils_no_other_in_its_batch(self) -> None:
        outcomes = make.record(
            chunk(0, output_tokens=5),
            chunk(0, output_tokens=6),
            chunk(1, final=True, output_tokens=5),
        )

        assert statuses(outcomes) == ["accepted open", "conflict", "accepted"]
        assert UsageEvent.objects.get().properties["output_tokens"] == 10

    def test_an_event_with_its_key_is_a_conflict(self) -> None:
        outcomes = post(make.event("s"), chunk(0, final=True))

        assert statuses(outcomes) == ["accepted", "conflict"]
        assert outcomes[1].code == "idempotency_key_reused"


def test_a_chunk_from_a_server_whose_clock_is_ahead_stops_no_close() -> None:
    make.record(chunk(0), at=make.NOW + timedelta(seconds=1))

    [outcome] = make.record(chunk(1, final=True), at=make.NOW)

    stream = Stream.objects.get()
    assert statuses([outcome]) == ["accepted"]
    assert stream.closed_at == stream.last_chunk_at == make.NOW + timedelta(seconds=1)
