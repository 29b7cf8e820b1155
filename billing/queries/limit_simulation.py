"""A past period's real calls against other limits: whom they would constrain.

Calls that were refused then are not among them, nor what they would have become. What a
policy's customers are is what they are today. Nothing here writes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import connection
from django.db.models import QuerySet

from billing.models import Customer, Plan, UsageEvent
from billing.queries.stated_tokens import tokens_sql
from ledger.money import WIDE
from ratelimits.models import RateLimitPolicy
from ratelimits.simulating import Call, Limits, Rates, Simulation, Simulator

LONGEST: Final = timedelta(days=31)
_ROWS: Final = 5_000
_HOUR: Final = timedelta(hours=1)
_HUNDREDTH: Final = Decimal("0.01")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# One customer after the other: an index holds its calls in their order.
CALLS: Final = f"""
    SELECT floor(extract(epoch FROM occurred_at) * 1000)::bigint, model,
        ceil({tokens_sql("properties")})::bigint
    FROM billing_usageevent
    WHERE customer_id = %s AND occurred_at >= %s AND occurred_at < %s
    ORDER BY occurred_at, id
"""  # noqa: S608


class PeriodTooLongError(Exception):
    """More days than a simulation is for."""


class TooManyCallsError(Exception):
    """There are more calls than whoever asks can wait for."""

    def __init__(self, most: int) -> None:
        super().__init__(f"There are more than {most:,} calls.")
        self.most = most


@dataclass(frozen=True, slots=True)
class Trial:
    """Whose calls of which time are tried, on which limits."""

    customers: QuerySet[Customer]
    before: Limits
    after: Limits
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not timedelta(0) < self.end - self.start <= LONGEST:
            message = f"Choose at least a moment, and {LONGEST.days} days at most."
            raise PeriodTooLongError(message)


@dataclass(frozen=True, slots=True)
class Constrained:
    """What today's limits and others do to one customer's calls."""

    customer: Customer
    before: Simulation
    after: Simulation

    @property
    def calls(self) -> int:
        """How many calls were tried."""
        return self.after.calls

    @property
    def share(self) -> Decimal:
        """The calls that the other limits refuse, in percent of all."""
        refused = Decimal(100 * self.after.refused)
        return WIDE.divide(refused, Decimal(max(1, self.calls))).quantize(_HUNDREDTH)

    @property
    def is_worse(self) -> bool:
        """Whether more calls would be refused than are today."""
        return self.after.refused > self.before.refused

    @property
    def first_hour(self) -> datetime | None:
        """The first hour in which the other limits refuse a call."""
        return _as_time(self.after.first_hour)

    @property
    def worst_hour(self) -> datetime | None:
        """The hour in which the other limits refuse most calls."""
        return _as_time(self.after.worst_hour)


def limits_of(policy: RateLimitPolicy) -> dict[str, Rates]:
    """Return a policy's limits by model; none for dedicated capacity."""
    if policy.is_dedicated:
        return {}
    return {each.model: Rates(each.rpm, each.tpm) for each in policy.limits.all()}


def try_limits(
    policy: RateLimitPolicy,
    limits: Mapping[str, Rates],
    *,
    start: datetime,
    end: datetime,
    plan: Plan | None = None,
) -> Trial:
    """Return the trial of a policy's customers on other limits, or of one plan's.

    :raises PeriodTooLongError: if it is empty, or longer than 31 days.
    """
    customers = Customer.objects.filter(plan__rate_limit_policy=policy)
    if plan is not None:
        customers = customers.filter(plan=plan)
    return Trial(customers, limits_of(policy), limits, start, end)


def try_plan(
    plan: Plan, policy: RateLimitPolicy, *, start: datetime, end: datetime
) -> Trial:
    """Return the trial of a plan's customers on another policy.

    :raises PeriodTooLongError: if it is empty, or longer than 31 days.
    """
    limits = limits_of(policy)
    return try_limits(plan.rate_limit_policy, limits, start=start, end=end, plan=plan)


def count_calls(trial: Trial, *, most: int | None = None) -> int:
    """Return how many calls there are to try.

    :raises TooManyCallsError: if that is more than `most`.
    """
    events = UsageEvent.objects.filter(
        customer__in=trial.customers.values("pk"),
        occurred_at__gte=trial.start,
        occurred_at__lt=trial.end,
    )
    if most is None:
        return events.count()
    # One more than may be tells whether there are too many.
    counted = events[: most + 1].count()
    if counted > most:
        raise TooManyCallsError(most)
    return counted


def simulate_customers(trial: Trial) -> Iterator[Constrained]:
    """Try the calls of one customer after the other; memory does not grow with them."""
    for customer in trial.customers.select_related("plan").order_by("pk"):
        yield _simulate(trial, customer)


def sort_constrained(found: Iterator[Constrained]) -> list[Constrained]:
    """Return customers who made calls, the most constrained by the limits first."""
    made = [each for each in found if each.calls]
    return sorted(
        made,
        key=lambda each: (
            -each.after.refused,
            -each.after.peak_percent,
            each.customer.external_id,
        ),
    )


def _simulate(trial: Trial, customer: Customer) -> Constrained:
    before, after = Simulator(trial.before), Simulator(trial.after)
    for call in _calls(trial, customer):
        before.add(call)
        after.add(call)
    return Constrained(customer, before.result, after.result)


def _calls(trial: Trial, customer: Customer) -> Iterator[Call]:
    # A cursor of the server's: the rows never are all in this process.
    with connection.chunked_cursor() as cursor:
        cursor.execute(CALLS, [customer.pk, trial.start, trial.end])
        while rows := cursor.fetchmany(_ROWS):
            yield from (Call(*row) for row in rows)


def _as_time(hour: int | None) -> datetime | None:
    return None if hour is None else _EPOCH + hour * _HOUR
