"""Rates while Redis does not answer: each process lets through its share of a limit.

So all processes together stay near the limit, and never go beyond it by more than the
share of those that are more than `WEB_WORKERS`.
"""

from collections import OrderedDict
from threading import Lock

from django.conf import settings

from ratelimits.bucket import Bucket
from ratelimits.messages import Limit

_MOST_BUCKETS = 100_000
_LOCK = Lock()
_BUCKETS: OrderedDict[tuple[str, str, str], Bucket] = OrderedDict()


def take_share(reference: str, limit: Limit, tokens: int, *, at: int) -> list[str]:
    """Take a request and its tokens from this process's share, or nothing.

    Returns the names of the limits that refuse it. Times are in milliseconds.
    """
    if limit.rpm is None or limit.tpm is None:
        return []
    shares = {"requests": (_share(limit.rpm), 1), "tokens": (_share(limit.tpm), tokens)}
    with _LOCK:
        refused = []
        for name, (share, amount) in shares.items():
            bucket = _bucket((reference, limit.bucket, name))
            bucket.refill(share, at=at)
            # What no share could ever hold goes through a full one.
            if bucket.wait(share, amount):
                refused.append(name)
        for name, (share, amount) in shares.items():
            if not refused:
                _bucket((reference, limit.bucket, name)).correct(
                    share, 0, amount, at=at
                )
    return refused


def _bucket(key: tuple[str, str, str]) -> Bucket:
    bucket = _BUCKETS.setdefault(key, Bucket())
    _BUCKETS.move_to_end(key)
    if len(_BUCKETS) > _MOST_BUCKETS:
        _BUCKETS.popitem(last=False)
    return bucket


def _share(limit: int) -> int:
    return max(1, limit // int(settings.WEB_WORKERS))
