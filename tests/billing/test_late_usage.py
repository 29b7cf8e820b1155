from datetime import UTC, date, datetime, timedelta

import pytest

from billing.models import Charge, Customer, FundingRollup, UsageEvent, UsageRollup
from tests import audit, make

pytestmark = pytest.mark.django_db
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def record(occurred_at: datetime, *, time_zone: str = "UTC") -> UsageEvent:
    make.customer(credits="50", time_zone=time_zone)
    make.record(make.event(occurred_at=occurred_at), at=max(occurred_at, make.NOW))
    return UsageEvent.objects.get()


class TestPeriod:
    def test_is_the_one_in_which_the_event_happened(self) -> None:
        stored = record(NOVEMBER - INSTANT)

        assert stored.period_start == OCTOBER
        assert not stored.is_late

    def test_includes_its_first_instant(self) -> None:
        assert record(NOVEMBER).period_start == NOVEMBER

    def test_begins_at_midnight_of_the_customer(self) -> None:
        midnight = datetime(2026, 11, 1, 4, tzinfo=UTC)

        stored = record(midnight - INSTANT, time_zone="America/New_York")

        assert stored.period_start == datetime(2026, 10, 1, 4, tzinfo=UTC)

    def test_starts_by_winter_time_after_the_clocks_went_back(self) -> None:
        december = datetime(2026, 12, 1, 5, tzinfo=UTC)

        stored = record(december, time_zone="America/New_York")

        assert stored.period_start == december


class TestDay:
    @pytest.mark.parametrize(
        ("occurred_at", "day"),
        [
            ("2026-11-15T04:59:59Z", "2026-11-14"),
            ("2026-11-15T05:00:00Z", "2026-11-15"),
            # Clocks go back on 1 November: that day has 25 hours.
            ("2026-11-01T04:00:00Z", "2026-11-01"),
            ("2026-11-02T04:59:59Z", "2026-11-01"),
            ("2026-11-02T05:00:00Z", "2026-11-02"),
            # Clocks go forward on 14 March 2027: that day has 23.
            ("2027-03-14T05:00:00Z", "2027-03-14"),
            ("2027-03-15T03:59:59Z", "2027-03-14"),
            ("2027-03-15T04:00:00Z", "2027-03-15"),
        ],
    )
    def test_is_the_customers_own(self, occurred_at: str, day: str) -> None:
        record(datetime.fromisoformat(occurred_at), time_zone="America/New_York")

        days = set(UsageRollup.objects.values_list("day", flat=True))
        assert days == {date.fromisoformat(day)}
        assert audit.differences() == []


class TestUsageOfAClosedPeriod:
    def close_november_first(self) -> Customer:
        customer = make.customer(credits="50")
        make.close_period(NOVEMBER)
        return customer

    def test_is_billed_in_the_open_period_and_says_so(self) -> None:
        self.close_november_first()

        make.record(make.event(occurred_at=NOVEMBER - INSTANT))

        stored = UsageEvent.objects.get()
        assert stored.period_start == NOVEMBER
        assert stored.is_late
        charged = set(Charge.objects.values_list("period_start", flat=True))
        assert charged == {NOVEMBER}

    def test_keeps_its_own_day(self) -> None:
        self.close_november_first()

        make.record(make.event(occurred_at=NOVEMBER - INSTANT))

        rollup = UsageRollup.objects.first()
        assert rollup is not None
        assert rollup.day == date(2026, 10, 31)
        assert rollup.period_start == NOVEMBER
        assert FundingRollup.objects.get().period_start == NOVEMBER

    def test_does_not_touch_what_was_billed(self) -> None:
        make.customer(credits="50")
        make.record(make.event("before", occurred_at=NOVEMBER - INSTANT))
        make.close_period(NOVEMBER)
        billed = list(UsageRollup.objects.order_by("pk").values())

        make.record(make.event("late", occurred_at=NOVEMBER - INSTANT))

        kept = UsageRollup.objects.filter(period_start=OCTOBER).order_by("pk")
        assert list(kept.values()) == billed

    def test_of_the_open_period_is_not_late(self) -> None:
        self.close_november_first()

        make.record(make.event(occurred_at=NOVEMBER))

        assert not UsageEvent.objects.get().is_late


class TestClosePeriod:
    def test_never_opens_a_period_again(self) -> None:
        customer = make.customer()
        make.close_period(NOVEMBER)

        make.close_period(OCTOBER)

        customer.refresh_from_db()
        assert customer.closed_until == NOVEMBER

    def test_closes_one_after_the_other(self) -> None:
        customer = make.customer()
        make.close_period(OCTOBER)

        make.close_period(NOVEMBER)

        customer.refresh_from_db()
        assert customer.closed_until == NOVEMBER

    def test_is_about_one_customer(self) -> None:
        plan = make.plan()
        one, other = (make.customer(external_id=f"c{n}", plan=plan) for n in "12")

        make.close_period(NOVEMBER, customer=one)

        other.refresh_from_db()
        assert other.closed_until is None
