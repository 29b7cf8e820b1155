"""Notices of credits that expire, each window of each lot once."""

from datetime import datetime, timedelta

import pytest

from billing.models import Notice
from billing.services.notices import (
    note_expiring,
)
from tests import make
from tests.make import NOW
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def noted() -> list[str]:
    """Return the windows that were noted, of any lot, in order."""
    references = Notice.objects.order_by("pk").values_list("reference", flat=True)
    return [reference.rpartition(":")[2] for reference in references]


class TestNoteExpiring:
    @pytest.mark.parametrize(
        ("left", "window"),
        [
            (timedelta(microseconds=1), "1"),
            (DAY, "1"),
            (DAY + timedelta(microseconds=1), "7"),
            (5 * DAY, "7"),
            (7 * DAY, "7"),
            (7 * DAY + timedelta(microseconds=1), "30"),
            (30 * DAY, "30"),
        ],
    )
    def test_notes_the_nearest_window_alone(self, left: timedelta, window: str) -> None:
        lot = make.lot(make.customer().wallet, "10", expires_at=NOW + left)

        note_expiring(at=NOW)

        [made] = Notice.objects.all()
        assert made.reference == f"lot:{lot.pk}:{window}"
        assert made.facts["credits"] == "10"
        assert datetime.fromisoformat(made.facts["expires_at"]) == NOW + left

    def test_notes_each_window_once_as_it_comes(self) -> None:
        make.lot(make.customer().wallet, "10", expires_at=NOW + 40 * DAY)

        written = [note_expiring(at=NOW + day * DAY) for day in range(41)]

        assert noted() == ["30", "7", "1"]
        assert [day for day, count in enumerate(written) if count] == [10, 33, 39]

    def test_that_was_down_for_a_week_notes_the_nearest(self) -> None:
        make.lot(make.customer().wallet, "10", expires_at=NOW + 31 * DAY)

        for day in (0, 24.5):
            note_expiring(at=NOW + day * DAY)

        assert noted() == ["7"]

    @pytest.mark.parametrize("left", [timedelta(0), -DAY, 31 * DAY])
    def test_notes_none_that_has_expired_or_is_far(self, left: timedelta) -> None:
        make.lot(make.customer().wallet, "10", expires_at=NOW + left)

        assert note_expiring(at=NOW) == 0

    def test_notes_none_that_is_used_up_or_lasts_for_ever(self) -> None:
        wallet = make.customer().wallet
        make.lot(wallet, "10", expires_at=NOW + DAY)
        make.lot(wallet, "5")
        make.spend(wallet, "10")

        assert note_expiring(at=NOW) == 0

    def test_notes_what_is_left_of_each_lot(self) -> None:
        wallet = make.customer().wallet
        make.lot(wallet, "10", expires_at=NOW + DAY)
        make.lot(wallet, "5", expires_at=NOW + 2 * DAY)
        make.spend(wallet, "2.5")

        assert note_expiring(at=NOW) == 2

        left = {made.facts["credits"] for made in Notice.objects.all()}
        assert left == {"7.5", "5"}

    def test_uses_up_no_number_for_what_is_noted(self) -> None:
        wallet = make.customer().wallet
        for _ in range(2):
            make.lot(wallet, "10", expires_at=NOW + DAY)
            for _ in range(3):
                note_expiring(at=NOW)

        first, second = Notice.objects.order_by("pk")
        assert second.pk == first.pk + 1


@pytest.mark.django_db(transaction=True)
def test_expiry_noted_at_once_is_noted_once() -> None:
    make.lot(make.customer().wallet, "10", expires_at=NOW + DAY)

    written = run_at_once([lambda: note_expiring(at=NOW)] * 5)

    assert sorted(written) == [0, 0, 0, 0, 1]
    assert noted() == ["1"]
