from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.burn_down import OpenLot, draw, in_burn_down_order

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 2, 1, tzinfo=UTC)
WITHIN = datetime(2026, 1, 15, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def lot(
    id: int = 1,  # noqa: A002 - as the field is called.
    remaining: str = "10",
    *,
    is_paid: bool = True,
    priority: int = 0,
    expires_at: datetime | None = END,
) -> OpenLot:
    return OpenLot(id, is_paid, priority, START, expires_at, Decimal(remaining))


def drawn(lots: list[OpenLot], amount: str) -> list[tuple[Any, ...]]:
    return list(draw(lots, Decimal(amount), at=WITHIN))


def order(*lots: OpenLot) -> list[int]:
    return [each.id for each in in_burn_down_order(lots)]


class TestCovers:
    @pytest.mark.parametrize("at", [START, WITHIN, END - INSTANT])
    def test_from_its_start_until_just_before_it_expires(self, at: datetime) -> None:
        assert lot().covers(at)

    @pytest.mark.parametrize("at", [START - INSTANT, END, END + INSTANT])
    def test_neither_before_its_start_nor_from_its_expiry(self, at: datetime) -> None:
        assert not lot().covers(at)

    def test_for_ever_without_an_expiry(self) -> None:
        assert lot(expires_at=None).covers(END + timedelta(days=36500))


class TestInBurnDownOrder:
    def test_lower_priority_numbers_come_first(self) -> None:
        assert order(lot(1, priority=1), lot(2, priority=-1), lot(3)) == [2, 3, 1]

    def test_free_credits_come_before_paid_ones(self) -> None:
        assert order(lot(1, is_paid=True), lot(2, is_paid=False)) == [2, 1]

    def test_the_earliest_expiry_comes_first_and_none_last(self) -> None:
        later = END + INSTANT

        assert order(
            lot(1, expires_at=None), lot(2, expires_at=later), lot(3, expires_at=END)
        ) == [3, 2, 1]

    def test_the_oldest_comes_first_among_equals(self) -> None:
        assert order(lot(3), lot(1), lot(2)) == [1, 2, 3]

    def test_priority_outranks_free_and_free_outranks_expiry(self) -> None:
        urgent = lot(1, is_paid=True, priority=0)
        free = lot(2, is_paid=False, priority=1, expires_at=None)
        paid = lot(3, is_paid=True, priority=1, expires_at=END)

        assert order(paid, free, urgent) == [1, 2, 3]

    @given(
        lots=st.lists(
            st.builds(
                lot,
                id=st.integers(1, 99),
                is_paid=st.booleans(),
                priority=st.integers(0, 1),
                expires_at=st.sampled_from([None, END, END + INSTANT]),
            ),
            unique_by=lambda each: each.id,
        ),
        data=st.data(),
    )
    def test_does_not_depend_on_how_the_lots_were_found(
        self, lots: list[OpenLot], data: st.DataObject
    ) -> None:
        shuffled = data.draw(st.permutations(lots))

        assert in_burn_down_order(shuffled) == in_burn_down_order(lots)


class TestDraw:
    def test_takes_from_the_first_lot_that_has_enough(self) -> None:
        assert drawn([lot(1), lot(2)], "4") == [(1, 4)]

    def test_empties_a_lot_before_the_next(self) -> None:
        assert drawn([lot(1, "3"), lot(2, "10")], "5") == [(1, 3), (2, 2)]

    def test_stops_at_a_lot_that_is_just_enough(self) -> None:
        assert drawn([lot(1, "5"), lot(2)], "5") == [(1, 5)]

    def test_leaves_what_no_lot_covers_for_the_end(self) -> None:
        assert drawn([lot(1, "3"), lot(2, "4")], "10") == [(1, 3), (2, 4), (None, 3)]

    def test_skips_lots_that_do_not_cover_the_instant(self) -> None:
        over = lot(1, expires_at=WITHIN)

        assert drawn([over, lot(2)], "4") == [(2, 4)]
        assert over.remaining == 10

    def test_skips_lots_that_are_empty(self) -> None:
        assert drawn([lot(1, "0"), lot(2)], "4") == [(2, 4)]

    def test_of_nothing_takes_nothing(self) -> None:
        assert drawn([lot()], "0") == []

    def test_without_a_lot_is_overdraft(self) -> None:
        assert drawn([], "4") == [(None, 4)]

    def test_is_seen_by_the_next_draw(self) -> None:
        shared = lot(1, "10")

        drawn([shared], "7")

        assert drawn([shared], "7") == [(1, 3), (None, 4)]

    def test_loses_no_digit_of_a_large_lot(self) -> None:
        rich = lot(1, "9999999999999999999.000000000000000003")

        drawn([rich], "0.000000000000000001")

        assert rich.remaining == Decimal("9999999999999999999.000000000000000002")
