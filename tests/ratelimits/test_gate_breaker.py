"""A gate that fails once is left alone, and asked now and then whether it is back."""

import time
from functools import partial

import pytest
import redis
from prometheus_client import REGISTRY

from ratelimits import server
from ratelimits.breaker import Breaker
from tests.threads import run_in_threads

PAUSE = 0.3
LOST = redis.ConnectionError("nobody listens")


def opened(pause: float = 60) -> Breaker:
    breaker = Breaker(pause=pause)
    breaker.note_failure(LOST)
    return breaker


def is_up() -> float | None:
    return REGISTRY.get_sample_value("tollgate_gate_up")


def count_failures(why: str) -> float:
    name = "tollgate_gate_failures_total"
    return REGISTRY.get_sample_value(name, {"why": why}) or 0


def test_all_are_let_through_while_none_fails() -> None:
    breaker = Breaker(pause=60)

    assert [breaker.is_open() for _ in range(3)] == [False] * 3


def test_one_failure_keeps_all_away_for_a_pause() -> None:
    breaker = opened()

    assert [breaker.is_open() for _ in range(3)] == [True] * 3


def test_after_a_pause_one_of_many_is_let_through() -> None:
    breaker = opened(PAUSE)
    time.sleep(PAUSE)

    answers = run_in_threads([breaker.is_open] * 20)

    assert sorted(answers) == [False] + [True] * 19


def test_one_that_fails_again_costs_another_pause() -> None:
    breaker = opened(PAUSE)
    time.sleep(PAUSE)
    breaker.is_open()

    breaker.note_failure(LOST)

    assert breaker.is_open()


def test_one_success_lets_all_through() -> None:
    breaker = opened()

    breaker.note_success()

    assert [breaker.is_open() for _ in range(3)] == [False] * 3


def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING", "ratelimits.breaker")
    breaker = Breaker(pause=60)

    run_in_threads([partial(breaker.note_failure, LOST)] * 20)
    run_in_threads([breaker.note_success] * 20)

    assert [record.message for record in caplog.records] == [
        "gate unavailable: nobody listens",
        "gate available again",
    ]


def test_metrics_say_whether_it_is_up_and_count_what_failed() -> None:
    before = count_failures("ConnectionError")

    breaker = opened()
    breaker.note_failure(LOST)

    assert (is_up(), count_failures("ConnectionError") - before) == (0, 2)
    breaker.note_success()
    assert is_up() == 1


def test_the_gate_is_left_alone_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_BREAKER", opened())

    # Its Redis would answer, but is not asked.
    with pytest.raises(server.GateUnavailableError):
        server.run(("PING",))
