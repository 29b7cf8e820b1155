"""How times are written on pages: in the customer's time zone, always in `<time>`."""

from datetime import date, datetime

from django import template
from django.utils import timezone
from django.utils.dateformat import format as write
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def moment(at: datetime) -> SafeString:
    """Write a time to the minute: "15 Nov 2026, 12:00"."""
    local = _local(at)
    return _element(local.isoformat(), write(local, "j M Y, H:i"))


@register.filter
def instant(at: datetime) -> SafeString:
    """Write a time to the millisecond: "15 Nov 2026, 12:00:07.331"."""
    local = _local(at)
    text = f"{write(local, 'j M Y, H:i:s')}.{local.microsecond // 1000:03d}"
    return _element(local.isoformat(), text)


@register.filter
def clock(at: datetime) -> SafeString:
    """Write the time of a day to the second: "12:03:07"."""
    local = _local(at)
    return _element(local.isoformat(), write(local, "H:i:s"))


@register.filter
def on(at: datetime) -> SafeString:
    """Write the day of a time: "15 Nov 2026"."""
    local = _local(at)
    return _element(local.isoformat(), write(local, "j M Y"))


@register.filter
def month(at: datetime) -> SafeString:
    """Write the month of a time: "November 2026"."""
    local = _local(at)
    return _element(write(local, "Y-m"), write(local, "F Y"))


@register.filter
def day(value: date) -> SafeString:
    """Write a day: "Sun 15 Nov 2026"."""
    return _element(value.isoformat(), write(value, "D j M Y"))


@register.filter
def is_another_day(at: datetime, other: datetime) -> bool:
    """Tell whether two times lie on different days."""
    return _local(at).date() != _local(other).date()


def _local(at: datetime) -> datetime:
    """Return a time in the customer's zone; where dates end, in its own."""
    try:
        return timezone.localtime(at)
    except OverflowError:
        return at


def _element(machine: str, text: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', machine, text)
