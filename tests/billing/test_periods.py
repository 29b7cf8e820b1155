from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import Period, billing_period, period_containing, previous_period

NEW_YORK = ZoneInfo("America/New_York")
GREENWICH = ZoneInfo("UTC")
INSTANT = timedelta(microseconds=1)
ZONES = sorted(available_timezones() - {"localtime", "Factory"})

zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.integers(0, 36 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestPeriodContaining:
    @pytest.mark.parametrize(
        ("at", "start", "end"),
        [
            ("2026-11-01", "2026-11-01", "2026-12-01"),
            ("2026-11-30T23:59:59.999999", "2026-11-01", "2026-12-01"),
            ("2026-12-01", "2026-12-01", "2027-01-01"),
            ("2028-02-29T12:00", "2028-02-01", "2028-03-01"),
            ("2027-02-28T23:59", "2027-02-01", "2027-03-01"),
            ("2038-01-19T03:14:08", "2038-01-01", "2038-02-01"),
        ],
    )
    def test_is_the_calendar_month(self, at: str, start: str, end: str) -> None:
        assert period_containing(utc(at), GREENWICH) == Period(utc(start), utc(end))

    @pytest.mark.parametrize(
        ("at", "start", "end"),
        [
            # November has an hour more than its days, March one less.
            ("2026-11-15", "2026-11-01T04:00", "2026-12-01T05:00"),
            ("2027-03-20", "2027-03-01T05:00", "2027-04-01T04:00"),
            ("2026-11-01T03:59:59", "2026-10-01T04:00", "2026-11-01T04:00"),
        ],
    )
    def test_begins_at_local_midnight(self, at: str, start: str, end: str) -> None:
        assert period_containing(utc(at), NEW_YORK) == Period(utc(start), utc(end))

    @given(instants, zones)
    def test_holds_the_instant(self, at: datetime, zone: ZoneInfo) -> None:
        assert at in period_containing(at, zone)

    @given(instants, zones)
    def test_tiles_time_without_gap_or_overlap(
        self, at: datetime, zone: ZoneInfo
    ) -> None:
        period = period_containing(at, zone)

        following = period_containing(period.end, zone)

        assert following.start == period.end
        assert period.end not in period
        assert period_containing(period.end - INSTANT, zone) == period
        assert period_containing(period.start, zone) == period

    @given(instants, zones)
    def test_is_a_month_long(self, at: datetime, zone: ZoneInfo) -> None:
        period = period_containing(at, zone)

        length = period.end - period.start
        assert timedelta(days=27, hours=22) < length < timedelta(days=31, hours=2)


class TestPreviousPeriod:
    def test_is_the_one_that_ended_last(self) -> None:
        previous = previous_period(utc("2026-03-01"), GREENWICH)

        assert previous == Period(utc("2026-02-01"), utc("2026-03-01"))

    def test_of_january_is_december(self) -> None:
        previous = previous_period(utc("2027-01-31"), GREENWICH)

        assert previous == Period(utc("2026-12-01"), utc("2027-01-01"))

    @given(instants, zones)
    def test_ends_where_the_current_one_begins(
        self, at: datetime, zone: ZoneInfo
    ) -> None:
        assert previous_period(at, zone).end == period_containing(at, zone).start


class TestBillingPeriod:
    def test_of_usage_in_time_is_its_own(self) -> None:
        at = utc("2026-11-15")

        period = billing_period(at, GREENWICH, closed_until=utc("2026-11-01"))

        assert period.start == utc("2026-11-01")

    def test_of_late_usage_is_the_open_one(self) -> None:
        at = utc("2026-08-15")

        period = billing_period(at, GREENWICH, closed_until=utc("2026-11-01"))

        assert period.start == utc("2026-11-01")

    def test_of_usage_when_nothing_was_closed_is_its_own(self) -> None:
        period = billing_period(utc("2020-02-29"), GREENWICH, closed_until=None)

        assert period == Period(utc("2020-02-01"), utc("2020-03-01"))

    def test_begins_with_the_instant_that_was_closed_until(self) -> None:
        closed_until = utc("2026-11-01")

        period = billing_period(closed_until, GREENWICH, closed_until=closed_until)

        assert closed_until in period
