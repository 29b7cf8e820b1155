"""How times are written on pages, where dates end as well."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from billing.templatetags import times
from tests.make import NOW

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize("write", [times.moment, times.instant, times.clock, times.on])
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
@pytest.mark.parametrize("at", [FIRST, LAST], ids=["first", "last"])
def test_whatever_is_stored_is_written(write: object, zone: str, at: datetime) -> None:
    assert callable(write)
    with timezone.override(zone):
        assert write(at).startswith("<time datetime=")


def test_a_day_is_the_customers() -> None:
    late = NOW.replace(hour=23, minute=30)

    with timezone.override("Europe/Berlin"):
        assert times.is_another_day(NOW, late)
        assert times.is_another_day(NOW, LAST)
