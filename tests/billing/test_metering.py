from decimal import Decimal

import pytest

from billing.models import Charge, UsageEvent
from billing.services.events import Status
from billing.services.metering import record_events
from tests import make


@pytest.mark.django_db
class TestRecordEvents:
    def test_prices_and_debits_the_seeds_event(self) -> None:
        customer = make.customer(credits="50")

        [outcome] = record_events(events=[make.event()], received_at=make.NOW)

        customer.wallet.refresh_from_db()
        assert outcome.status is Status.ACCEPTED
        assert outcome.cost == Decimal("0.014232")
        assert outcome.balance == Decimal("49.985768")
        assert customer.wallet.balance == Decimal("49.985768")
        assert Charge.objects.count() == 2

    def test_a_second_post_changes_nothing(self) -> None:
        make.customer(credits="50")
        record_events(events=[make.event()], received_at=make.NOW)

        [outcome] = record_events(events=[make.event()], received_at=make.NOW)

        assert outcome.status is Status.DUPLICATE
        assert outcome.cost == Decimal("0.014232")
        assert outcome.balance == Decimal("49.985768")
        assert UsageEvent.objects.count() == 1
