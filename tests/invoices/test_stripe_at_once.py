"""Events that come at the same moment, and what is locked while they are read."""

import pytest
from django.db import connection

from invoices.models import (
    PaymentMethod,
    ProviderEvent,
)
from ledger.models import CreditLot
from tests.invoices.state import at_once
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_state import (
    open_page,
    post,
)

COMPLETED = "checkout.session.completed"


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_event_is_credited_once(self, fake: StripeFake) -> None:
        open_page()
        paid = fake.pay("cs_test_1")

        answers = at_once(lambda: post(COMPLETED, paid, event_id="evt_3").status_code)

        assert answers == [200, 200, 200, 200]
        assert CreditLot.objects.count() == 1
        assert ProviderEvent.objects.count() == 1

    def test_two_events_of_one_payment_are_credited_once(
        self, fake: StripeFake
    ) -> None:
        open_page()
        paid = fake.pay("cs_test_1")

        answers = at_once(lambda: post(COMPLETED, paid).status_code)

        assert answers == [200, 200, 200, 200]
        assert CreditLot.objects.count() == 1
        assert ProviderEvent.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_stripe_is_asked_outside_of_any_transaction(fake: StripeFake) -> None:
    open_page(saves_method=True)
    paid = fake.pay("cs_test_1")
    locks: list[int] = []
    fake.on_asked = lambda: locks.append(_count_locks())

    post(COMPLETED, paid)

    assert locks == [0]
    assert PaymentMethod.objects.exists()


def _count_locks() -> int:
    """Return how many locks other sessions' transactions hold in this database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("""
                SELECT count(*) FROM pg_locks
                JOIN pg_database AS here ON here.oid = database
                WHERE datname = current_database() AND locktype = 'relation'
                    AND pid <> pg_backend_pid()
            """)
            return int(cursor.fetchone()[0])
    finally:
        connection.close()
