"""Whether a call may run, as far as its customer's credits go. Nothing here writes.

Nothing is held either: of calls that are asked about at once, each is judged alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import Customer
from billing.periods import billing_period
from billing.pricing.period_prices import Used
from billing.pricing.rating import rate_event
from billing.queries.accounts import Account, find_accounts, read_closed_until
from billing.queries.allowances import CreditWarning, LimitSource
from billing.queries.period_usage import PeriodKey, read_used
from billing.queries.price_book import Prices, open_price_book, require_prices
from ledger.money import WIDE, total
from ledger.queries import get_balance


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to "may this call run?"; all amounts are in credits.

    `estimate` is the most that the call is taken to cost, the others are as before it.
    """

    estimate: Decimal
    currency: str
    available: Decimal
    spendable: Decimal
    limit_source: LimitSource | None
    warning: CreditWarning | None

    @property
    def is_admitted(self) -> bool:
        """Whether no limit refuses the call."""
        return self.limit_source is None


def decide_admission(
    *, customer: Customer, model: str, properties: Mapping[str, object], at: datetime
) -> Verdict:
    """Say whether a call may run now, by what it may cost and what the plan allows.

    `properties` are those that its event would state at most. Lots that have not begun
    or have expired pay for nothing.

    :raises UnratableError: if some part of it has no price: nothing is let through
        that would wait in quarantine afterwards.
    """
    account = find_accounts([customer.external_id])[customer.external_id]
    estimate = _estimate(account, model, properties, at)
    available = get_balance(wallet_id=account.wallet_id, at=at).available
    left = WIDE.subtract(available, estimate)
    limit = account.allowance.find_limit(left)
    return Verdict(
        estimate=estimate,
        currency=account.currency,
        available=available,
        spendable=account.allowance.spendable(available),
        limit_source=limit,
        warning=None if limit else account.allowance.find_warning(left),
    )


def _estimate(
    account: Account, model: str, properties: Mapping[str, object], at: datetime
) -> Decimal:
    """Return what a call would cost, as metering would price it."""
    book = open_price_book([account])
    found = book.find_prices(account.cards_at(at), at, model)
    prices = require_prices(found, account, at)
    # What has not run has not failed, whatever the caller states.
    terms = account.terms_at(at)._replace(waives_failed_calls=False)
    used = _read_used(account, prices, at)
    rated = rate_event(prices.card, model, properties, at=at, terms=terms, used=used)
    return total(line.amount for line in rated.lines)


def _read_used(account: Account, prices: Prices, at: datetime) -> Used | None:
    """Return what the open period has used, if the price depends on it."""
    if not prices.card.has_period_prices:
        return None
    closed_until = read_closed_until([account.id])[account.id]
    period = billing_period(at, account.zone, closed_until=closed_until)
    key = PeriodKey(account.id, period.start, prices.rate_card_id)
    return read_used([key])[key]
