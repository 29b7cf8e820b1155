"""A bucket refills without steps, rounds nothing and forgets nothing that was used."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimits.bucket import MOST_TROUGHS, UNIT, Bucket
from tests.ratelimits.history import History

MINUTE = 60_000
limits = st.one_of(st.integers(1, 20), st.sampled_from([60, 999, 60_000, 10**11]))


class Step(NamedTuple):
    """Time that passes, and then a taking or the end of one that was let through."""

    passes: int
    amount: int
    # Of the takings still open, the one that ends; none for a taking.
    ends: int | None


class TestTaking:
    def test_lets_a_whole_limit_burst_and_no_more(self) -> None:
        bucket = Bucket()

        taken = [bucket.take(10, 1, at=MINUTE) for _ in range(12)]

        assert taken == [*range(1, 11), None, None]

    def test_takes_all_of_an_amount_or_nothing(self) -> None:
        bucket = Bucket()
        bucket.take(10, 8, at=0)

        assert bucket.take(10, 3, at=0) is None
        assert bucket.remaining(10) == 2
        assert bucket.take(10, 2, at=0)

    @pytest.mark.parametrize(("limit", "refills"), [(10, 6000), (60, 1000), (7, 8572)])
    def test_refills_without_waiting_for_a_window(
        self, limit: int, refills: int
    ) -> None:
        bucket = Bucket()
        bucket.take(limit, limit, at=0)

        assert bucket.take(limit, 1, at=refills - 1) is None
        assert bucket.take(limit, 1, at=refills)

    def test_may_never_take_more_than_the_limit(self) -> None:
        bucket = Bucket()
        bucket.take(10, 5, at=0)

        assert bucket.wait(10, 11) == MINUTE // 2
        assert bucket.take(10, 11, at=MINUTE * 9) is None

    def test_takes_no_notice_of_a_clock_that_goes_back(self) -> None:
        bucket = Bucket()
        bucket.take(60, 60, at=MINUTE)

        assert bucket.take(60, 1, at=MINUTE - 5000) is None
        assert bucket.take(60, 1, at=MINUTE + 999) is None
        assert bucket.take(60, 1, at=MINUTE + 1000)

    @given(limits, st.lists(st.integers(0, 30_000), max_size=40))
    def test_rounds_nothing_however_often_it_is_asked(
        self, limit: int, passes: list[int]
    ) -> None:
        asked = Bucket()
        asked.take(limit, limit, at=0)
        now = 0

        for each in passes:
            now += each
            asked.refill(limit, at=now)

        assert asked.used == max(0, limit * UNIT - now * limit)


@given(limits, st.data())
def test_a_wait_is_exact_to_the_millisecond(limit: int, data: st.DataObject) -> None:
    used = data.draw(st.integers(0, 3 * limit * UNIT))
    amount = data.draw(st.integers(0, limit))
    wait = Bucket(used=used).wait(limit, amount)

    assert Bucket(used=used).take(limit, amount, at=wait)
    if wait:
        assert Bucket(used=used).take(limit, amount, at=wait - 1) is None


@given(limits, st.data())
def test_what_remains_may_be_taken_and_no_more(limit: int, data: st.DataObject) -> None:
    used = data.draw(st.integers(0, limit * UNIT))
    remaining = Bucket(used=used).remaining(limit)

    assert Bucket(used=used).take(limit, remaining, at=0)
    assert Bucket(used=used).take(limit, remaining + 1, at=0) is None


class TestALimitThatChanges:
    """Edge case 61: it applies at once, and what was used stays."""

    def test_leaves_what_was_used_counted(self) -> None:
        bucket = Bucket()
        bucket.take(10, 8, at=0)

        bucket.refill(100, at=0)

        assert (bucket.used, bucket.remaining(100)) == (8 * UNIT, 92)

    def test_refills_by_the_new_one_at_once(self) -> None:
        bucket = Bucket()
        bucket.take(10, 10, at=0)

        assert bucket.take(10, 1, at=600) is None
        assert bucket.take(120, 111, at=600) is None
        assert bucket.take(120, 110, at=600)

    def test_to_less_waits_until_enough_is_free(self) -> None:
        bucket = Bucket()
        bucket.take(100, 100, at=0)

        assert bucket.remaining(10) == 0
        assert bucket.wait(10, 1) == 91 * MINUTE // 10


class TestACorrection:
    def test_gives_back_what_was_not_used(self) -> None:
        history = History()
        history.take(10, 10, at=0)

        history.settle(0, 3, limit=10, at=0)

        assert history.bucket.remaining(10) == 7

    def test_gives_back_nothing_that_refilled_meanwhile(self) -> None:
        history = History()
        history.take(10, 10, at=0)

        history.settle(0, 5, limit=10, at=MINUTE // 2)

        assert history.bucket.used == 0
        assert not history.take(10, 11, at=MINUTE // 2)

    def test_gives_back_nothing_that_would_have_run_over(self) -> None:
        history = History()
        history.take(10, 4, at=0)
        # Of the four, one is left in use: more than that never was in the way.
        history.take(10, 9, at=18_000)

        history.settle(0, 0, limit=10, at=18_000)

        assert history.bucket.used == history.replay() == 9 * UNIT

    def test_counts_from_now_on_what_was_used_beyond(self) -> None:
        history = History()
        history.take(10, 1, at=0)

        history.settle(0, 21, limit=10, at=MINUTE)

        assert history.bucket.used == 20 * UNIT
        assert history.bucket.remaining(10) == 0
        assert history.bucket.wait(10, 1) == 11 * MINUTE // 10

    def test_gives_back_nothing_of_what_another_used_beyond(self) -> None:
        history = History()
        history.take(10, 5, at=0)
        history.take(10, 5, at=0)
        # Both refilled; then the second turns out to have used five more.
        history.settle(1, 10, limit=10, at=MINUTE)

        history.settle(0, 0, limit=10, at=MINUTE)

        assert history.bucket.used == history.replay() == 5 * UNIT


steps = st.builds(
    Step,
    passes=st.sampled_from([0, 0, 1, 700, MINUTE // 4, MINUTE]),
    amount=st.integers(0, 9),
    ends=st.one_of(st.none(), st.integers(0, 9)),
)


def go(history: History, step: Step, *, limit: int, at: int) -> bool:
    """Do one step; tells whether something was taken."""
    if step.ends is None or not history.takings:
        return history.take(limit, step.amount, at=at)
    place = step.ends % len(history.takings)
    history.settle(place, step.amount, limit=limit, at=at)
    return False


@settings(max_examples=300)
@given(st.lists(st.tuples(steps, st.sampled_from([7, 10, 17])), max_size=60))
def test_corrected_it_is_as_if_the_actual_had_been_taken_at_once(
    asked: list[tuple[Step, int]],
) -> None:
    history, now = History(), 0

    for step, limit in asked:
        now += step.passes
        go(history, step, limit=limit, at=now)

        assert history.bucket.used == history.replay()


@settings(max_examples=300)
@given(st.integers(9, 20), st.lists(steps, max_size=60))
def test_no_window_ever_passes_its_limit_and_the_burst(
    limit: int, asked: list[Step]
) -> None:
    history, now = History(), 0

    for step in asked:
        now += step.passes
        if go(history, step, limit=limit, at=now):
            assert history.find_fullest(limit) == 0


def climb(history: History, times: int) -> int:
    """Take so often and so much that each taking finds more in use than the last."""
    for number in range(times):
        assert history.take(10**6, 100, at=number)
    return times


def test_troughs_beyond_the_most_are_merged_and_give_less() -> None:
    history = History()
    now = climb(history, 3 * MOST_TROUGHS)
    assert len(history.bucket.troughs) == MOST_TROUGHS

    for place in (40, 0):
        history.settle(place, 0, limit=10**6, at=now)

        assert history.bucket.used >= history.replay()


@given(st.lists(st.tuples(st.integers(0, 30), steps), min_size=1, max_size=40))
def test_merged_troughs_never_give_more(asked: list[tuple[int, Step]]) -> None:
    history = History()
    now = climb(history, 2 * MOST_TROUGHS)

    for takes, step in asked:
        for _ in range(takes):
            history.take(10**6, 100, at=now)
        now += step.passes % 10
        go(history, step, limit=10**6, at=now)

        assert history.bucket.used >= history.replay()
        assert len(history.bucket.troughs) <= MOST_TROUGHS
