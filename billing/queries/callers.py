"""What admission knows of who calls, kept for a second. Nothing here writes."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from cachetools import TTLCache
from django.conf import settings

from billing.models import Customer
from billing.queries.accounts import Account, find_accounts
from billing.queries.caps import Cap, list_caps
from billing.queries.price_book import PriceBook, open_price_book
from ratelimits.messages import Limit
from ratelimits.models import RateLimit

_MOST_KEPT = 10_000
_LOCK = Lock()
_UNLIMITED = Limit("", None, None, None)


@dataclass(frozen=True, slots=True)
class Caller:
    """A customer as admission sees it: its account, prices and limits.

    `limits` are by model; the one without a model is for all that have none.
    """

    account: Account
    prices: PriceBook
    limits: Mapping[str, Limit]
    caps: Sequence[Cap]

    @property
    def reference(self) -> str:
        """What the gate knows the customer by."""
        return self.account.external_id

    def limit_for(self, model: str) -> Limit:
        """Return the limit that a call of a model counts against."""
        return self.limits.get(model) or self.limits.get("") or _UNLIMITED


def find_caller(external_id: str) -> Caller | None:
    """Return a customer as it was `CALLER_CACHE_SECONDS` ago at most, if it exists."""
    found: Caller | None = keep(("caller", external_id), lambda: _read(external_id))
    return found


def get_caller(external_id: str) -> Caller:
    """Return a customer that is known to exist: none is ever deleted."""
    caller = find_caller(external_id)
    assert caller  # noqa: S101 - see above.
    return caller


def keep(key: Hashable, read: Callable[[], Any]) -> Any:
    """Return what was read for this key, and read it again once it is too old."""
    kept = _cache(settings.CALLER_CACHE_SECONDS)
    # Not asked for first: it may become too old in between.
    with _LOCK, suppress(KeyError):
        return kept[key]
    value = read()
    with _LOCK:
        kept[key] = value
    return value


@lru_cache(maxsize=2)
def _cache(seconds: int) -> TTLCache[Hashable, Any]:
    return TTLCache(_MOST_KEPT, ttl=seconds)


def _read(external_id: str) -> Caller | None:
    account = find_accounts([external_id]).get(external_id)
    if account is None:
        return None
    prices, caps = open_price_book([account]), list_caps(account.id)
    return Caller(account, prices, _read_limits(account), caps)


def _read_limits(account: Account) -> dict[str, Limit]:
    """Return the limits of a customer's plan; none on dedicated capacity."""
    policy = Customer.objects.filter(pk=account.id).values("plan__rate_limit_policy")
    shared = RateLimit.objects.filter(policy__in=policy, policy__is_dedicated=False)
    rows = shared.values_list("model", "rpm", "tpm", "concurrency")
    return {row[0]: Limit(*row) for row in rows}
