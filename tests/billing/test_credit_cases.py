"""Which credits pay for a call: those of its own time, whatever runs late."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Customer
from billing.services.events import Outcome, Status
from ledger.models import CreditLot, Entry, Kind, Source
from ledger.queries import get_balance
from ledger.services import expire_wallet
from tests import audit, make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
EXPIRY = make.NOW - DAY
COST = Decimal("0.014232")


@pytest.fixture
def customer() -> Customer:
    """Return a customer with a pack of 10."""
    return make.customer(credits="10")


@pytest.fixture
def trial(customer: Customer) -> CreditLot:
    """Return 5 free credits that expired a day ago, and are yet to be swept."""
    return make.lot(customer.wallet, "5", source=Source.TRIAL, expires_at=EXPIRY)


def use(at: datetime, **properties: Any) -> Outcome:
    key = f"req_{make.unique()}"
    [outcome] = make.record(make.event(key, occurred_at=at, **properties))
    return outcome


def payers() -> list[tuple[Any, ...]]:
    """Return the lot and the amount of every usage entry, in order."""
    usage = Entry.objects.filter(kind=Kind.USAGE).order_by("sequence")
    return [(entry.lot_id, -entry.amount) for entry in usage]


def sweep(customer: Customer, *, before: datetime = EXPIRY) -> None:
    expire_wallet(wallet_id=customer.wallet_id, expired_before=before, actor="sweep")


class TestCreditsThatExpireBeforeACallIsProcessed:
    def test_pay_for_what_happened_before(self, trial: CreditLot) -> None:
        use(EXPIRY - INSTANT)

        assert payers() == [(trial.pk, COST)]

    def test_are_not_counted_in_the_balance_that_is_answered(
        self, customer: Customer, trial: CreditLot
    ) -> None:
        outcome = use(EXPIRY - INSTANT)

        trial.refresh_from_db()
        assert trial.remaining == 5 - COST
        assert outcome.balance == 10
        assert get_balance(wallet_id=customer.wallet_id, at=make.NOW).available == 10

    @pytest.mark.usefixtures("trial")
    def test_are_gone_once_they_are_swept(self, customer: Customer) -> None:
        sweep(customer)
        paid = customer.wallet.lots.earliest("pk")

        use(EXPIRY - INSTANT)

        assert payers() == [(paid.pk, COST)]


class TestCreditsThatExpiredAndAreNotSwept:
    @pytest.mark.parametrize("late", [timedelta(0), INSTANT, DAY])
    def test_pay_for_nothing_from_their_expiry_on(
        self, customer: Customer, trial: CreditLot, late: timedelta
    ) -> None:
        paid = customer.wallet.lots.earliest("pk")

        use(EXPIRY + late)

        trial.refresh_from_db()
        assert payers() == [(paid.pk, COST)]
        assert trial.remaining == 5

    def test_leave_an_overdraft_rather_than_pay(self) -> None:
        other = make.customer(external_id="cus_other")
        make.lot(other.wallet, "5", expires_at=EXPIRY)

        make.record(make.event(customer="cus_other", occurred_at=EXPIRY))

        assert payers() == [(None, COST)]

    def test_give_the_sweep_all_that_was_left_at_the_end(
        self, customer: Customer, trial: CreditLot
    ) -> None:
        use(EXPIRY - INSTANT)
        use(EXPIRY)

        sweep(customer)

        expired = Entry.objects.get(kind=Kind.EXPIRY)
        assert (expired.lot_id, -expired.amount) == (trial.pk, 5 - COST)
        assert expired.occurred_at == EXPIRY
        assert audit.differences() == []


class TestACallThatIsTakenBack:
    def test_in_part_restores_the_last_lot_before_the_first(self) -> None:
        customer = make.customer()
        first = make.lot(customer.wallet, "3", source=Source.PROMOTION)
        second = make.lot(customer.wallet, "6")
        # 250,000 tokens of output are 3 on the seed's card.
        make.record(make.event(input_tokens=0, output_tokens=750_000))

        make.amend(customer, input_tokens=0, output_tokens=125_000)

        first.refresh_from_db()
        second.refresh_from_db()
        assert [first.remaining, second.remaining] == [Decimal("1.5"), 6]
        assert audit.differences() == []

    def test_restores_credits_that_expired_since_and_never_others(
        self, customer: Customer, trial: CreditLot
    ) -> None:
        paid = customer.wallet.lots.earliest("pk")
        make.record(make.event(occurred_at=EXPIRY - INSTANT))
        sweep(customer)

        make.void(customer)

        for lot in (trial, paid):
            lot.refresh_from_db()
        again = Entry.objects.filter(kind=Kind.EXPIRY).latest("sequence")
        assert make.row(trial.remaining, paid.remaining) == (0, 10)
        assert (again.lot_id, -again.amount) == (trial.pk, COST)
        assert trial.source == Source.TRIAL
        assert audit.differences() == []


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"model": "unheard-of"}, Status.QUARANTINED),
        ({"images": 3}, Status.QUARANTINED),
        ({"input_tokens": 0, "output_tokens": 0}, Status.ACCEPTED),
    ],
    ids=["another model", "another metric", "nothing of it"],
)
def test_what_the_card_does_not_price_uses_no_credits(
    customer: Customer, properties: dict[str, Any], status: Status
) -> None:
    outcome = use(make.NOW, **properties)

    customer.wallet.refresh_from_db()
    assert outcome.status is status
    assert customer.wallet.balance == 10
    assert payers() == []
