"""How long a declined card is let be, whatever is switched or saved."""

from datetime import datetime, timedelta

import pytest

from billing.models import Customer
from invoices.models import AutoTopUp, OffBecause, PaymentMethod
from invoices.services.top_ups import (
    RETRY_AFTER,
    switch_off_auto_top_up,
)
from tests.billing.alerting import use
from tests.invoices.topping_up import (
    DECLINED,
    HOUR,
    NOW,
    agree,
    keep_card,
    run,
    topped_up,
)

pytestmark = pytest.mark.django_db


class TestSetAutoTopUp:
    def test_again_with_a_declined_card_still_waits(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        run(customer)

        agree(customer, AutoTopUp.objects.get().method, amount="30")

        assert run(customer, at=NOW + HOUR - timedelta(seconds=1)) is None

    def test_again_with_another_card_buys_at_once(self) -> None:
        customer = topped_up(DECLINED)
        use("a", "b", "c")
        run(customer)

        agree(customer, keep_card(customer))

        assert run(customer)
        assert AutoTopUp.objects.get().failures == 0

    @pytest.mark.parametrize("at", [NOW, NOW + HOUR])
    def test_after_it_was_off_still_waits(self, at: datetime) -> None:
        customer = topped_up(DECLINED)
        use("a")
        run(customer)
        if at > NOW:
            run(customer, at=at)
        wait = RETRY_AFTER[int(at > NOW)]

        _switch_off_and_on(customer)

        assert run(customer, at=at + wait - timedelta(seconds=1)) is None
        assert run(customer, at=at + wait)

    def test_after_three_declines_tries_once(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        declined = NOW + HOUR + 24 * HOUR
        for at in (NOW, NOW + HOUR, declined):
            run(customer, at=at)
        day = timedelta(days=1)

        _switch_off_and_on(customer)

        assert run(customer, at=declined + day - timedelta(seconds=1)) is None
        assert run(customer, at=declined + day)
        assert AutoTopUp.objects.get().off_because == OffBecause.DECLINED

    def test_back_to_a_declined_card_still_waits(self) -> None:
        customer = topped_up(DECLINED)
        declined = AutoTopUp.objects.get().method
        use("a")
        run(customer)
        agree(customer, keep_card(customer), threshold="20")

        agree(customer, declined, threshold="20")

        assert AutoTopUp.objects.get().failures == 1
        assert run(customer, at=NOW + HOUR - timedelta(seconds=1)) is None
        assert run(customer, at=NOW + HOUR)

    def test_back_to_a_card_that_worked_since_does_not_wait(self) -> None:
        customer = topped_up(DECLINED)
        method = AutoTopUp.objects.get().method
        use("a")
        run(customer)
        PaymentMethod.objects.update(reference="4242")
        run(customer, at=NOW + HOUR)
        PaymentMethod.objects.update(reference="0341")
        agree(customer, keep_card(customer))

        agree(customer, method)

        assert AutoTopUp.objects.get().failures == 0


def _switch_off_and_on(customer: Customer) -> None:
    switch_off_auto_top_up(
        customer=customer, because=OffBecause.CUSTOMER, by="ada", at=NOW
    )
    agree(customer, AutoTopUp.objects.get().method)
