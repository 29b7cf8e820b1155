"""Past calls against other limits, by hand and on real traffic."""

import csv
import gzip
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimits.simulating import HOUR, Call, Rates, Simulation, simulate

ROOT = Path(__file__).resolve().parents[2]
MOONCAKE = ROOT / "tests/data/traces/mooncake_conversation_first30min.csv.gz"
AGENTS = ROOT / "config/demo/data/claude_code_sessions.csv.gz"
MINUTE = 60_000


def calls(*times: int, model: str = "a", tokens: int = 0) -> list[Call]:
    return [Call(at, model, tokens) for at in times]


def refused(found: Simulation) -> tuple[int, int]:
    return found.refused_by_requests, found.refused_by_tokens


class TestSimulate:
    def test_a_minutes_limit_passes_at_once(self) -> None:
        found = simulate(calls(0, 0, 0), {"": Rates(2, None)})

        assert (found.calls, refused(found)) == (3, (1, 0))

    def test_the_bucket_refills_as_time_passes(self) -> None:
        found = simulate(calls(0, 0, 29_999, 30_000), {"": Rates(2, None)})

        assert refused(found) == (1, 0)

    def test_tokens_are_limited_too(self) -> None:
        found = simulate(calls(0, 0, tokens=60), {"": Rates(10, 100)})

        assert (refused(found), found.tokens_refused) == ((0, 1), 60)

    def test_what_is_refused_by_tokens_takes_no_request(self) -> None:
        asked = [Call(0, "a", 101), Call(0, "a", 100)]

        assert refused(simulate(asked, {"": Rates(1, 100)})) == (0, 1)

    def test_what_is_refused_by_requests_takes_no_tokens(self) -> None:
        asked = [Call(0, "a", 1), Call(0, "a", 99), Call(MINUTE, "a", 100)]

        assert refused(simulate(asked, {"": Rates(1, 100)})) == (1, 0)

    def test_a_model_has_its_own_limit_and_the_others_share_one(self) -> None:
        asked = [Call(0, model, 0) for model in ("a", "a", "b", "c")]
        limits = {"a": Rates(2, None), "": Rates(1, None)}

        assert refused(simulate(asked, limits)) == (1, 0)

    def test_nothing_limits_a_model_without_a_limit(self) -> None:
        found = simulate(calls(0, 0, model="b"), {"a": Rates(1, 1)})

        assert (found.calls, found.refused, found.peak_percent) == (2, 0, 0)

    def test_the_peak_is_what_a_bucket_gave_out(self) -> None:
        found = simulate(calls(0, 0, 0, tokens=20), {"": Rates(10, 100)})

        assert found.peak_percent == 60

    def test_says_in_which_hours(self) -> None:
        later, last = 5 * HOUR, 7 * HOUR
        asked = calls(0, later, later, last, last, last)

        found = simulate(asked, {"": Rates(1, None)})

        assert found.by_hour == {5: 1, 7: 2}
        assert (found.first_hour, found.worst_hour) == (5, 7)

    def test_has_no_hours_without_a_refusal(self) -> None:
        found = simulate([], {"": Rates(1, 1)})

        assert (found.first_hour, found.worst_hour) == (None, None)


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 50)), max_size=40),
    st.integers(1, 20),
    st.integers(1, 200),
)
def test_it_is_what_a_bucket_in_fractions_does(
    steps: list[tuple[int, int]], rpm: int, tpm: int
) -> None:
    at, last, asked, expected = 0, 0, [], [0, 0]
    room = [Fraction(rpm), Fraction(tpm)]
    for step, tokens in steps:
        at += step
        asked.append(Call(at, "a", tokens))
        past = Fraction(at - last, MINUTE)
        room = [min(Fraction(rpm), room[0] + past * rpm), room[1] + past * tpm]
        room[1], last = min(Fraction(tpm), room[1]), at
        if room[0] < 1:
            expected[0] += 1
        elif room[1] < tokens:
            expected[1] += 1
        else:
            room = [room[0] - 1, room[1] - tokens]

    assert refused(simulate(asked, {"": Rates(rpm, tpm)})) == tuple(expected)


def mooncake() -> list[Call]:
    return sorted(
        Call(int(each["timestamp_ms"]), "kimi", tokens_of(each))
        for each in rows(MOONCAKE)
    )


def agents() -> list[Call]:
    """Return all sessions as if they had begun at once."""
    return sorted(
        Call(int(Fraction(each["t_offset_s"]) * 1000), each["model"], tokens_of(each))
        for each in rows(AGENTS)
    )


def tokens_of(each: dict[str, str]) -> int:
    return int(each["input_tokens"]) + int(each["output_tokens"])


def rows(path: Path) -> Iterable[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


@pytest.mark.parametrize("trace", [mooncake(), agents()])
def test_real_traffic_never_passes_more_than_burst_and_refill(
    trace: list[Call],
) -> None:
    rates = Rates(40, 1_000_000)
    found = simulate(trace, {"": rates})
    minutes = Fraction(trace[-1].at - trace[0].at, MINUTE)

    passed = found.calls - found.refused
    tokens = sum(call.tokens for call in trace) - found.tokens_refused
    assert 0 < passed <= 40 * (1 + minutes)
    assert 0 < tokens <= 1_000_000 * (1 + minutes)
    assert found.refused > 0


def test_a_higher_limit_refuses_fewer_of_real_calls() -> None:
    trace = mooncake()
    found = [
        simulate(trace, {"": Rates(rpm, rpm * 12_000)}).refused
        for rpm in (50, 100, 200, 400, 800)
    ]

    assert found == sorted(found, reverse=True)
    assert (found[0] > 2000, found[-1]) == (True, 0)
