"""Spend caps, and what is spent of them. Nothing here writes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F

from billing.models import CapOwner, CapPeriod, SpendCap
from billing.periods import Period, day_containing, period_containing
from ledger.money import total

_SUMS = "coalesce(sum(amount) FILTER (WHERE day = %(today)s), 0), sum(amount)"
# By the day they happened: what is billed late, or taken back late, counts there.
_OF_CUSTOMER = f"""
    SELECT NULL, model, {_SUMS} FROM billing_usagerollup
    WHERE customer_id = %(customer_id)s AND day BETWEEN %(first)s AND %(last)s
    GROUP BY model
"""  # noqa: S608 - made of our own constants.
_OF_KEYS = f"""
    SELECT api_key_id, model, {_SUMS} FROM billing_keyrollup
    WHERE customer_id = %(customer_id)s AND api_key_id = ANY(%(keys)s)
        AND day BETWEEN %(first)s AND %(last)s
    GROUP BY api_key_id, model
"""  # noqa: S608 - made of our own constants.


@dataclass(frozen=True, slots=True)
class Cap:
    """A spend cap as admission needs it; an empty model stands for every model."""

    id: int
    customer_id: int
    api_key_id: int | None
    model: str
    period: CapPeriod
    amount: Decimal
    set_by: CapOwner

    def binds(self, *, api_key_id: int | None, model: str | None) -> bool:
        """Tell whether it is a cap of a call with that key and of that model.

        A call of which the key or the model is not known has no cap of one.
        """
        is_of_key = self.api_key_id is None or self.api_key_id == api_key_id
        return is_of_key and self.model in ("", model)

    def name(self, at: datetime, zone: ZoneInfo) -> str:
        """Return what its day or month is called that counts at an instant."""
        return f"{self.id}:{self.window(at, zone).start:%Y%m%dT%H%M%SZ}"

    def window(self, at: datetime, zone: ZoneInfo) -> Period:
        """Return the day or the month, in a time zone, that counts at an instant."""
        if self.period == CapPeriod.DAY:
            return day_containing(at, zone)
        return period_containing(at, zone)


class _Spent(NamedTuple):
    """What was spent on a model: with all keys and none, or with one key."""

    api_key_id: int | None
    model: str
    in_day: Decimal
    in_month: Decimal


def list_caps(customer_id: int) -> list[Cap]:
    """Return a customer's caps, those of all its calls first."""
    rows = SpendCap.objects.filter(customer=customer_id)
    by_scope = (F("api_key_id").asc(nulls_first=True), "model", "period", "set_by")
    return [read_cap(row) for row in rows.order_by(*by_scope)]


def read_cap(row: SpendCap) -> Cap:
    """Return what a stored cap says."""
    period, owner = CapPeriod(row.period), CapOwner(row.set_by)
    scope = row.customer_id, row.api_key_id, row.model, period
    return Cap(row.pk, *scope, row.amount, owner)


def read_spent(
    *, customer_id: int, caps: Sequence[Cap], at: datetime, zone: ZoneInfo
) -> dict[int, Decimal]:
    """Return what was spent in the window of each of a customer's caps, by its id.

    Calls count on the day they happened, in the customer's zone; what was taken back
    does not. It is two queries at most, of sums by day: how many calls there were does
    not matter.
    """
    spent = list(_sum_up(customer_id, caps, at.astimezone(zone).date()))
    return {cap.id: total(_parts_of(cap, spent)) for cap in caps}


def _parts_of(cap: Cap, spent: Sequence[_Spent]) -> Iterator[Decimal]:
    for each in spent:
        if each.api_key_id == cap.api_key_id and cap.model in ("", each.model):
            yield each.in_day if cap.period == CapPeriod.DAY else each.in_month


def _sum_up(customer_id: int, caps: Sequence[Cap], today: date) -> Iterator[_Spent]:
    first, last = _days(caps, today)
    values = {
        "customer_id": customer_id,
        "keys": [cap.api_key_id for cap in caps if cap.api_key_id],
        "today": today,
        "first": first,
        "last": last,
    }
    if any(cap.api_key_id is None for cap in caps):
        yield from _query(_OF_CUSTOMER, values)
    if values["keys"]:
        yield from _query(_OF_KEYS, values)


def _query(statement: str, values: Mapping[str, Any]) -> list[_Spent]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [_Spent(*row) for row in cursor]


def _days(caps: Sequence[Cap], today: date) -> tuple[date, date]:
    """Return the first and the last day that any of the caps counts."""
    if all(cap.period == CapPeriod.DAY for cap in caps):
        return today, today
    first = today.replace(day=1)
    next_month = (first + timedelta(days=31)).replace(day=1)
    return first, next_month - timedelta(days=1)
