"""Usage that happened is always recorded; what its answer warns of."""

from decimal import Decimal

import pytest

from billing.models.plans import AtZero, Mode
from billing.queries.allowances import CreditWarning
from billing.services.events import Outcome, Status
from ledger.queries import get_balance
from ledger.services import set_credit_limit
from tests import audit, make
from tests.billing import dollars
from tests.make import NOW

pytestmark = pytest.mark.django_db
STOPS = [(Mode.PREPAID, AtZero.BLOCK), (Mode.PREPAID, AtZero.WARN)]


def record(amount: int, key: str = "req_1") -> Outcome:
    [outcome] = make.record(dollars.use(amount, key))
    return outcome


@pytest.mark.parametrize(("mode", "at_zero"), [*STOPS, *dollars.BILLS])
def test_usage_is_recorded_however_little_is_left(mode: Mode, at_zero: AtZero) -> None:
    dollars.customer(mode, at_zero)

    outcome = record(1_000)

    assert outcome.status is Status.ACCEPTED
    assert outcome.balance == -995
    assert audit.differences() == []


@pytest.mark.parametrize(("mode", "at_zero"), dollars.BILLS)
def test_usage_without_any_credits_is_all_overdraft(
    mode: Mode, at_zero: AtZero
) -> None:
    customer = dollars.customer(mode, at_zero, credits="0")

    record(50)

    balance = get_balance(wallet_id=customer.wallet_id, at=NOW)
    assert make.row(balance.paid, balance.promotional, balance.overdraft) == (0, 0, 50)


@pytest.mark.parametrize(("mode", "at_zero"), STOPS)
@pytest.mark.parametrize(
    ("amount", "warning"), [(5, None), (6, CreditWarning.CREDITS_EXHAUSTED)]
)
def test_credits_are_exhausted_below_zero(
    mode: Mode, at_zero: AtZero, amount: int, warning: CreditWarning | None
) -> None:
    dollars.customer(mode, at_zero)

    assert record(amount).warning is warning


@pytest.mark.parametrize(("mode", "at_zero"), dollars.BILLS)
@pytest.mark.parametrize(
    ("amount", "warning"), [(25, None), (26, CreditWarning.CREDIT_LIMIT_EXCEEDED)]
)
def test_a_credit_limit_is_exceeded_below_it(
    mode: Mode, at_zero: AtZero, amount: int, warning: CreditWarning | None
) -> None:
    dollars.customer(mode, at_zero)

    assert record(amount).warning is warning


def test_each_event_is_judged_by_the_balance_after_it() -> None:
    dollars.customer()

    outcomes = make.record(*[dollars.use(3, f"req_{n}") for n in range(3)])

    assert [outcome.warning for outcome in outcomes] == [
        None,
        CreditWarning.CREDITS_EXHAUSTED,
        CreditWarning.CREDITS_EXHAUSTED,
    ]


def test_a_duplicate_warns_as_the_first_did() -> None:
    customer = dollars.customer()
    first = record(6)
    make.lot(customer.wallet, "100")

    again = record(6)

    assert again.status is Status.DUPLICATE
    assert again.warning is first.warning is CreditWarning.CREDITS_EXHAUSTED


def test_what_has_no_price_warns_of_nothing() -> None:
    dollars.customer(credits="0")

    [outcome] = make.record(make.event(model="new"))

    assert (outcome.status, outcome.warning) == (Status.QUARANTINED, None)


def test_a_new_limit_counts_for_the_next_event() -> None:
    customer = dollars.customer(Mode.HYBRID, credit_limit="0")
    before = record(6, "req_1")

    set_credit_limit(wallet_id=customer.wallet_id, credit_limit=Decimal(2))

    assert before.warning is CreditWarning.CREDIT_LIMIT_EXCEEDED
    assert record(1, "req_2").warning is None
    assert record(1, "req_3").warning is CreditWarning.CREDIT_LIMIT_EXCEEDED
