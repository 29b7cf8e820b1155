"""Admissions beside what others take for rates alone, in one run on one machine.

Each other library decides on requests and on tokens, as two questions; none of them
knows of credits. All of them ask the same Redis.
"""

import json
import re
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from threading import local

from django.conf import settings
from django.core.cache import cache
from limits import parse
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView
from throttled import RedisStore, Throttled, per_min

from config.serving import Address, serving_web
from ratelimits import limiter
from ratelimits.messages import Ask, Base, Limit
from ratelimits.models import RateLimit
from tests import make

CUSTOMER = "cus_bench_admission"
CUSTOMERS = 20
DECISIONS = 3_000
CLIENTS = 8
MUCH = 10**8
TOKENS = 1_500
_number = count(1)

Way = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast decisions were: per second, per busy core, and how long each took."""

    per_second: float
    per_core: float
    p50: float
    p99: float


def measure_admission(*, runs: int) -> list[tuple[str, list[Speed]]]:
    """Return the speed of each way, taking turns so that a slow moment is in all."""
    ways = {
        "the gate's function, by redis-py": _gate(),
        "limits, moving window, twice": _limits(),
        "throttled-py, token bucket, twice": _throttled(),
        "DRF's throttle, requests alone": _drf(),
    }
    speeds: dict[str, list[Speed]] = {name: [] for name in ways}
    name = f"POST /v1/admissions, {CLIENTS} clients"
    speeds[name] = []
    with _posting() as post:
        for _ in range(runs):
            for each, way in ways.items():
                speeds[each].append(_measure(way, clients=1))
            speeds[name].append(_measure(post, clients=CLIENTS))
    return list(speeds.items())


def report_speeds(measured: Sequence[tuple[str, Sequence[Speed]]]) -> None:
    """Print the median of each way's runs, beside the gate's function alone."""
    first = _median(measured[0][1], "per_second")
    heads = ("decisions/s", "per core", "p50 ms", "p99 ms", "of gate")
    print("\n" + f"{'admission':44}" + "".join(f"{head:>12}" for head in heads))
    for name, speeds in measured:
        rate, per_core = (_median(speeds, each) for each in ("per_second", "per_core"))
        p50, p99 = (_median(speeds, each) for each in ("p50", "p99"))
        print(
            f"{name:44}{rate:>12,.0f}{per_core:>12,.0f}{p50:>12.2f}{p99:>12.2f}"
            f"{rate / first:>12.0%}"
        )


def _median(speeds: Sequence[Speed], name: str) -> float:
    rates: list[float] = [getattr(speed, name) for speed in speeds]
    return statistics.median(rates)


def _measure(way: Way, *, clients: int) -> Speed:
    way()
    busy, started = _busy_seconds(), time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        shares = [DECISIONS // clients] * clients
        took = [
            each
            for share in threads.map(lambda n: _time(way, n), shares)
            for each in share
        ]
    lasted, busy = time.perf_counter() - started, _busy_seconds() - busy
    cuts = statistics.quantiles(took, n=100)
    return Speed(len(took) / lasted, len(took) / busy, cuts[49] * 1000, cuts[98] * 1000)


def _time(way: Way, times: int) -> list[float]:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        way()
        took.append(time.perf_counter() - started)
    return took


def _busy_seconds() -> float:
    """Return the seconds that all cores have worked, whoever for."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:]
    user, nice, system, _, _, irq, soft = map(int, fields[:7])
    return (user + nice + system + irq + soft) / 100


def _gate() -> Way:
    limit = Limit("", MUCH, MUCH, None)
    base = Base(
        generation=1,
        begins=True,
        sequence=1,
        available=Decimal(MUCH),
        lasts=10**9,
        lease=Decimal(MUCH),
        lease_lasts=10**9,
    )

    def ask(base: Base | None = None) -> None:
        request = f"req_{next(_number)}"
        asked = Ask(
            id=request,
            print="",
            limit=limit,
            tokens=TOKENS,
            cost=Decimal("0.014232"),
            floor=Decimal(0),
        )
        limiter.admit("bench", asked, base=base)

    ask(base)
    return ask


def _limits() -> Way:
    strategy = MovingWindowRateLimiter(
        RedisStorage(settings.REDIS_URL.replace("unix:", "redis+unix:"))
    )
    rpm, tpm = parse(f"{MUCH}/minute"), parse(f"{MUCH * TOKENS}/minute")

    def ask() -> None:
        strategy.hit(rpm, "bench", "requests")
        strategy.hit(tpm, "bench", "tokens")

    return ask


def _throttled() -> Way:
    store = RedisStore(server=settings.REDIS_URL)
    rpm, tpm = (
        Throttled(key=name, using="token_bucket", quota=per_min(MUCH), store=store)
        for name in ("requests", "tokens")
    )

    def ask() -> None:
        rpm.limit()
        tpm.limit(cost=TOKENS)

    return ask


class _Throttle(SimpleRateThrottle):
    rate = "600/min"
    cache = cache

    def get_cache_key(self, request: Request, view: APIView) -> str:  # noqa: ARG002
        return "bench-drf"


def _drf() -> Way:
    request, view = Request(APIRequestFactory().get("/")), APIView()
    return lambda: _discard(_Throttle().allow_request(request, view))


@contextmanager
def _posting() -> Iterator[Way]:
    """Serve, and yield a way that posts by a connection that each thread keeps."""
    _make_customers()
    address, key = Address("127.0.0.1", 8766), make.service_key()
    head = (
        f"POST /v1/admissions HTTP/1.1\r\nHost: {address.host}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    )
    kept = local()

    def post() -> None:
        if not hasattr(kept, "socket"):
            kept.socket = socket.create_connection((address.host, address.port))
        body = json.dumps(_call())
        message = f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
        kept.socket.sendall(message.encode())
        _read_answer(kept.socket)

    with serving_web(address):
        yield post


def _make_customers() -> None:
    plan = make.plan()
    RateLimit.objects.filter(policy=plan.rate_limit_policy).update(rpm=MUCH, tpm=MUCH)
    for number in range(CUSTOMERS):
        make.customer(external_id=f"{CUSTOMER}_{number}", plan=plan, credits="100000")


def _call() -> dict[str, object]:
    number = next(_number)
    return {
        "customer_id": f"{CUSTOMER}_{number % CUSTOMERS}",
        "request_id": f"req_{number}",
        "model": "text-gen-v3",
        "input_tokens": 412,
        "max_output_tokens": 1083,
    }


def _read_answer(connection: socket.socket) -> None:
    """Read one answer, which has to be an admission."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), text
    [length] = re.findall(rb"content-length: (\d+)", head.lower())
    while len(body) < int(length):
        body += connection.recv(65536)


def _discard(_: object) -> None:
    return None
