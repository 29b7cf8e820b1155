"""Adding up refusals is cut off by `kill -9`; each of them counts once."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.models import RefusalRollup
from billing.services.refusals import STREAM, note_refusal, roll_up_refusals
from tests import make
from tests.billing.refusing import redis_client
from tests.faults.flows import killed_at
from tests.make import NOW

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _a_database_of_redis_for_this_test(settings: Settings) -> None:
    settings.REDIS_URL = settings.REDIS_URL.replace("db=0", "db=15")
    redis_client(settings.REDIS_URL).delete(STREAM)


def test_what_was_stored_and_not_taken_out_counts_once(settings: Settings) -> None:
    customer = make.customer()
    for _ in range(3):
        note_refusal(
            customer_id=customer.pk,
            model="text-gen-v3",
            limit="tokens",
            tokens=1,
            amount=Decimal(0),
            at=NOW,
        )

    assert killed_at("refusals-counted", "add_up_refusals")
    assert redis_client(settings.REDIS_URL).xlen(STREAM) == 3
    roll_up_refusals(at=NOW)

    assert RefusalRollup.objects.get().refusals == 3
    assert redis_client(settings.REDIS_URL).xlen(STREAM) == 0
