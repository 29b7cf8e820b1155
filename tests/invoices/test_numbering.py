import pytest
from django.db import transaction

from invoices.numbering import next_number
from tests.invoices.state import at_once


@pytest.mark.django_db
class TestNextNumber:
    def test_counts_up_in_each_series_and_year(self) -> None:
        numbers = [
            next_number(series="INV", year=2026),
            next_number(series="INV", year=2026),
            next_number(series="INV", year=2027),
            next_number(series="CN", year=2026),
        ]

        assert numbers == [
            "INV-2026-000001",
            "INV-2026-000002",
            "INV-2027-000001",
            "CN-2026-000001",
        ]

    def test_gives_a_number_again_if_its_taker_failed(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            _fail_after(next_number(series="INV", year=2026))

        assert next_number(series="INV", year=2026) == "INV-2026-000001"


def _fail_after(_number: str) -> None:
    raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_numbers_taken_at_once_have_no_gap() -> None:
    numbers = at_once(lambda: next_number(series="INV", year=2026), times=8)

    assert sorted(numbers) == [f"INV-2026-{number:06}" for number in range(1, 9)]
