"""Days and billing periods in the customer's time zone, half-open. Pure.

Billing periods are calendar months.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `start`, included, to `end`, not included."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


def period_containing(at: datetime, zone: ZoneInfo) -> Period:
    """Return the month, as that zone's clocks show it, in which an instant lies."""
    local = at.astimezone(zone)
    return _month(local.year, local.month, zone)


def day_containing(at: datetime, zone: ZoneInfo) -> Period:
    """Return the day, as that zone's clocks show it, in which an instant lies.

    It has 23 or 25 hours where the clocks are changed.
    """
    day = at.astimezone(zone).date()
    return Period(_midnight(day, zone), _midnight(day + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return _utc(datetime(day.year, day.month, day.day, tzinfo=zone))


@lru_cache(maxsize=4096)
def _month(year: int, month: int, zone: ZoneInfo) -> Period:
    start = datetime(year, month, 1, tzinfo=zone)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return Period(_utc(start), _utc(end))


def _utc(local: datetime) -> datetime:
    return local.astimezone(ZoneInfo("UTC"))


def periods_within(start: datetime, end: datetime, zone: ZoneInfo) -> list[Period]:
    """Return the months that lie wholly between two instants, in order."""
    found: list[Period] = []
    period = period_containing(start, zone)
    while period.end <= end:
        if period.start >= start:
            found.append(period)
        period = period_containing(period.end, zone)
    return found


def billing_period(
    occurred_at: datetime, zone: ZoneInfo, *, closed_until: datetime | None
) -> Period:
    """Return the period that usage is billed in: its own, or the open one if late."""
    if closed_until and occurred_at < closed_until:
        return period_containing(closed_until, zone)
    return period_containing(occurred_at, zone)


def previous_period(at: datetime, zone: ZoneInfo) -> Period:
    """Return the last period that had ended at an instant."""
    current = period_containing(at, zone)
    last_day = current.start.astimezone(zone).replace(day=1)
    year, month = divmod(last_day.year * 12 + last_day.month - 2, 12)
    return _month(year, month + 1, zone)
