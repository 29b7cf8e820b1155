"""The headers that tell a caller of its rates, in the three families clients read.

IETF's draft of 2025-09 (`RateLimit-Policy`, `RateLimit`), OpenAI's and Anthropic's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

from billing.models import LimitName
from billing.queries.admission import Rates, Verdict
from ratelimits.bucket import UNIT, Bucket
from ratelimits.times import as_time

_WINDOW = 60
_SECOND = 1000
# When a call in flight ends, nobody knows.
_NEXT_PLACE = 1


@dataclass(frozen=True, slots=True)
class RateState:
    """One limit per minute and how it stands; durations are in milliseconds."""

    source: LimitName
    size: int
    used: int
    remaining: int
    until_full: int
    # Until one more may be taken or, of a refused call, as much as it asked for.
    wait: int


def list_states(
    rates: Rates, *, tokens: int, refused: Sequence[str]
) -> list[RateState]:
    """Return how the limits of a call stand, of requests and of tokens."""
    limit = rates.limit
    if limit.rpm is None or limit.tpm is None:
        return []
    asked = {LimitName.REQUESTS: 1, LimitName.TOKENS: tokens}
    used = {
        LimitName.REQUESTS: (limit.rpm, rates.requests),
        LimitName.TOKENS: (limit.tpm, rates.tokens),
    }
    return [
        _state(source, size, Bucket(used=taken), asked[source] if refused else None)
        for source, (size, taken) in used.items()
    ]


def _state(
    source: LimitName, size: int, bucket: Bucket, asked: int | None
) -> RateState:
    remaining = bucket.remaining(size)
    # At most what the limit holds: of more than that, it is the time to full.
    wanted = remaining + 1 if asked is None else asked
    return RateState(
        source=source,
        size=size,
        used=-(-bucket.used // UNIT),
        remaining=remaining,
        until_full=-(-bucket.used // size),
        wait=bucket.wait(size, min(wanted, size)),
    )


def get_retry_after(verdict: Verdict) -> int:
    """Return the whole seconds after which a call refused by rates may be tried."""
    waits = [_NEXT_PLACE]
    if verdict.rates:
        states = list_states(
            verdict.rates, tokens=verdict.tokens, refused=verdict.refused
        )
        waits += [_seconds(state.wait) for state in states]
    return max(waits)


def rate_headers(verdict: Verdict) -> dict[str, str]:
    """Return the headers of a verdict; none where no rate is limited or known."""
    if verdict.rates is None:
        return {}
    states = list_states(verdict.rates, tokens=verdict.tokens, refused=verdict.refused)
    headers = dict(_ietf(verdict.rates, states))
    for state in states:
        headers |= _openai(state) | _anthropic(state, verdict.rates.now)
    return headers


def _ietf(rates: Rates, states: Sequence[RateState]) -> Iterator[tuple[str, str]]:
    policies = [_policy(state) for state in states]
    limits = [_limit(state) for state in states]
    calls = rates.limit.calls
    if calls is not None:
        name = LimitName.CONCURRENT_REQUESTS
        policies.append(f'"{name}";q={calls};qu="concurrent-requests"')
        limits.append(f'"{name}";r={max(0, calls - rates.calls)}')
    if policies:
        yield "RateLimit-Policy", ", ".join(policies)
        yield "RateLimit", ", ".join(limits)


def _policy(state: RateState) -> str:
    unit = ""
    if state.source == LimitName.TOKENS:
        unit = ';tollgate-unit="tokens"'
    return f'"{state.source}";q={state.size};w={_WINDOW}{unit}'


def _limit(state: RateState) -> str:
    more = f";t={_seconds(state.wait)}" if state.wait else ""
    return f'"{state.source}";r={state.remaining}{more}'


def _openai(state: RateState) -> dict[str, str]:
    return {
        f"x-ratelimit-limit-{state.source}": str(state.size),
        f"x-ratelimit-remaining-{state.source}": str(state.remaining),
        f"x-ratelimit-reset-{state.source}": _duration(state.until_full),
    }


def _anthropic(state: RateState, now: int) -> dict[str, str]:
    # Never a moment too early, though it says whole seconds.
    full = as_time(_seconds(now + state.until_full) * _SECOND).astimezone(UTC)
    reset = full.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        f"anthropic-ratelimit-{state.source}-limit": str(state.size),
        f"anthropic-ratelimit-{state.source}-remaining": str(state.remaining),
        f"anthropic-ratelimit-{state.source}-reset": reset,
    }


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // _SECOND)


def _duration(milliseconds: int) -> str:
    """Write a duration as OpenAI does: `12ms`, `1.5s`, `6m0s`."""
    if milliseconds < _SECOND:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60 * _SECOND)
    seconds = f"{rest // _SECOND}"
    fraction = f"{rest % _SECOND:03}".rstrip("0")
    if fraction and not minutes:
        seconds = f"{seconds}.{fraction}"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
