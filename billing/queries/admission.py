"""A call that wants to run, what it may cost, and the verdict. Nothing here writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from billing import exact_json
from billing.models import LimitName
from billing.periods import billing_period
from billing.pricing.period_prices import Used
from billing.pricing.rating import rate_event
from billing.pricing.tokens import count_tokens
from billing.queries.accounts import Account, read_closed_until
from billing.queries.allowances import CreditWarning
from billing.queries.callers import Caller
from billing.queries.caps import Cap
from billing.queries.period_usage import PeriodKey, read_used
from billing.queries.price_book import Prices, require_prices
from ledger.money import WIDE, ZERO, total
from ratelimits.messages import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that wants to run; `request_id` is the key its event will have.

    `properties` are those that its event would state at most. Without a model it costs
    nothing that could be said before, and is admitted while anything may be spent.
    """

    request_id: str
    model: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    api_key_id: int | None = None

    @property
    def tokens(self) -> int:
        """How many tokens it may take, in and out."""
        return count_tokens(self.properties) or 0

    @property
    def fingerprint(self) -> str:
        """What tells it from another call with the same request id."""
        payload = (self.model, self.properties, self.api_key_id)
        return sha256(exact_json.encode(payload)).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """A limit on requests and tokens per minute, and what is used of it now.

    What is used is in 60,000ths, as `ratelimits.bucket` counts; times are in
    milliseconds since 1970.
    """

    limit: Limit
    now: int
    requests: int
    tokens: int
    calls: int


@dataclass(frozen=True, slots=True)
class CapUse:
    """A spend cap, what of it is spent and held, and when it starts anew."""

    cap: Cap
    spent: Decimal
    held: Decimal
    resets_at: datetime

    @property
    def left(self) -> Decimal:
        """What the next calls may cost."""
        return WIDE.subtract(self.cap.amount, WIDE.add(self.spent, self.held))

    @property
    def limit_source(self) -> LimitName:
        """What refuses a call that is beyond it."""
        if self.cap.api_key_id is not None:
            return LimitName.KEY_LIMIT
        return LimitName.SPEND_CAP


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to "may this call run?"; all amounts are in credits.

    `estimate` is the most that the call is taken to cost. `held` is what calls in
    flight may still take, this one included once it is admitted, and `spendable` what
    the next ones may use.
    """

    estimate: Decimal
    currency: str
    available: Decimal
    held: Decimal
    spendable: Decimal
    # All limits that refuse it; the first one binds.
    refused: Sequence[LimitName] = ()
    warning: CreditWarning | None = None
    # The cap that refuses it, if one does.
    cap: CapUse | None = None
    rates: Rates | None = None
    tokens: int = 0
    expires_at: datetime | None = None
    is_repeat: bool = False

    @property
    def is_admitted(self) -> bool:
        """Whether no limit refuses the call."""
        return not self.refused

    @property
    def limit_source(self) -> LimitName | None:
        """The limit that binds, if one refuses the call."""
        return self.refused[0] if self.refused else None


def list_binding(caller: Caller, call: Call) -> list[Cap]:
    """Return the caps that a call counts against."""
    return [
        cap
        for cap in caller.caps
        if cap.binds(api_key_id=call.api_key_id, model=call.model)
    ]


def estimate_call(caller: Caller, call: Call, *, at: datetime) -> Decimal:
    """Return what a call would cost at most, as metering would price it.

    :raises UnratableError: if some part of it has no price: nothing is let through
        that would wait in quarantine afterwards.
    """
    if not call.model:
        return ZERO
    account = caller.account
    found = caller.prices.find_prices(account.cards_at(at), at, call.model)
    prices = require_prices(found, account, at)
    # What has not run has not failed, whatever the caller states.
    terms = account.terms_at(at)._replace(waives_failed_calls=False)
    used = _read_used(account, prices, at)
    rated = rate_event(
        prices.card, call.model, call.properties, at=at, terms=terms, used=used
    )
    return total(line.amount for line in rated.lines)


def _read_used(account: Account, prices: Prices, at: datetime) -> Used | None:
    """Return what the open period has used, if the price depends on it."""
    if not prices.card.has_period_prices:
        return None
    closed_until = read_closed_until([account.id])[account.id]
    period = billing_period(at, account.zone, closed_until=closed_until)
    key = PeriodKey(account.id, period.start, prices.rate_card_id)
    return read_used([key])[key]
