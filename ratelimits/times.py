"""Times as Redis and the buckets count them: whole milliseconds since 1970. Pure."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def as_milliseconds(at: datetime) -> int:
    """Return a time in milliseconds, without what is finer."""
    return (at - _EPOCH) // _MILLISECOND


def as_time(milliseconds: int) -> datetime:
    """Return the time that so many milliseconds lead to."""
    return _EPOCH + milliseconds * _MILLISECOND
