"""Charts drawn on the server, so that they need neither scripts nor styles inline."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django import template

from billing.queries.usage import DaySpend
from ledger.money import WIDE, ZERO

register = template.Library()

HEIGHT = 120
_STEP = 20
_BAR = 14


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar, in the units of the drawing."""

    spend: DaySpend
    x: int
    y: int
    height: int


@register.inclusion_tag("components/chart.html")
def day_chart(
    days: Sequence[DaySpend], *, title: str, currency: str
) -> dict[str, object]:
    """Draw one bar for each day; the dearest reaches the top."""
    peak = max((day.amount for day in days), default=ZERO)
    bars = [
        _bar(number, day, _height(day.amount, peak)) for number, day in enumerate(days)
    ]
    return {
        "title": title,
        "currency": currency,
        "bars": bars,
        "bar_width": _BAR,
        "width": _STEP * len(days),
        "height": HEIGHT,
        "peak": peak,
        "first": days[0].day,
        "last": days[-1].day,
    }


def _bar(number: int, day: DaySpend, height: int) -> Bar:
    left = number * _STEP + (_STEP - _BAR) // 2
    return Bar(day, x=left, y=HEIGHT - height, height=height)


def _height(amount: Decimal, peak: Decimal) -> int:
    """Return a bar's height; the smallest amount is still to be seen."""
    if not amount:
        return 0
    return max(2, int(WIDE.divide(WIDE.multiply(amount, Decimal(HEIGHT)), peak)))
