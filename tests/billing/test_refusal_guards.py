"""Sums of refusals that cannot be stored."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from django.db.models import Value
from django.db.models.functions import Cast

from billing.models import RefusalCursor, RefusalRollup
from ledger.models import SumField
from tests import make

pytestmark = pytest.mark.django_db
HOUR = datetime(2026, 11, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": "quota"},
        {"refusals": 0},
        {"tokens": -1},
        {"amount": -1},
        {"amount": Cast(Value("NaN"), SumField())},
        {"tokens": Cast(Value("NaN"), SumField())},
        {"hour": HOUR + timedelta(minutes=1), "last_at": HOUR + timedelta(hours=1)},
        {"hour": HOUR + timedelta(seconds=1)},
        {"last_at": HOUR + timedelta(hours=1)},
        {"last_at": HOUR - timedelta(seconds=1)},
    ],
)
def test_a_rollup_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    right = {
        "customer": make.customer(),
        "hour": HOUR,
        "limit": "requests",
        "refusals": 1,
        "tokens": 0,
        "amount": 0,
        "last_at": HOUR + timedelta(minutes=5),
    }

    with pytest.raises(IntegrityError):
        RefusalRollup.objects.create(**right | wrong)


@pytest.mark.parametrize("wrong", [{"id": 2}, {"last_id": "abc"}])
def test_the_cursor_is_one_row_with_a_position(wrong: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        RefusalCursor.objects.create(**wrong)
