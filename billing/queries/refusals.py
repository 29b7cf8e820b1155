"""What admission refused, seconds after it did. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Max, QuerySet, Sum

from billing.models import Customer, RefusalRollup
from ledger.money import ZERO

# As many hours, models and limits as a page can show.
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class RefusedHour:
    """The calls of one model that one limit refused in an hour, in UTC."""

    hour: datetime
    model: str
    limit: str
    refusals: int
    tokens: Decimal
    amount: Decimal
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """Calls that were refused, what they asked for, and what they would have cost."""

    refusals: int = 0
    tokens: Decimal = ZERO
    amount: Decimal = ZERO
    last_at: datetime | None = None


def list_recent_refusals(
    customer: Customer, since: datetime, *, most: int = MOST_ROWS
) -> list[RefusedHour]:
    """Return a customer's refusals by hour, model and limit, the latest first.

    The hour in which `since` lies is in it.
    """
    rows = _since(customer, since).order_by("-hour", "-last_at", "pk")[:most]
    return [
        RefusedHour(
            hour=row.hour,
            model=row.model,
            limit=row.limit,
            refusals=row.refusals,
            tokens=row.tokens,
            amount=row.amount,
            last_at=row.last_at,
        )
        for row in rows
    ]


def sum_refusals(
    customer: Customer, since: datetime, *, limits: Iterable[str] | None = None
) -> Refused:
    """Return all of a customer's refusals since then as one sum, or some limits'."""
    rows = _since(customer, since)
    if limits is not None:
        rows = rows.filter(limit__in=list(limits))
    found = rows.aggregate(
        refusals=Sum("refusals"),
        tokens=Sum("tokens"),
        amount=Sum("amount"),
        last_at=Max("last_at"),
    )
    return Refused(**found) if found["refusals"] else Refused()


def _since(customer: Customer, since: datetime) -> QuerySet[RefusalRollup]:
    return RefusalRollup.objects.filter(
        customer=customer, last_at__gte=since, hour__gte=_hour_of(since)
    )


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
