"""Spend caps are enforced at admission, to the last credit."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
import time_machine

from billing.models import ApiKey, CapOwner, CapPeriod, Customer, LimitName
from billing.models.plans import AtZero
from billing.queries.admission import Call, Verdict
from billing.queries.callers import get_caller
from billing.services import outage
from billing.services.admission import admit_call, as_ask, release_call
from billing.services.outage import HeldElsewhereError
from billing.services.settling import settle_calls
from tests import make
from tests.billing import dollars
from tests.billing.capping import cap, named_key
from tests.http import admit
from tests.make import NOW
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db


DEAR = {
    "customer_id": "cus_abc123",
    "request_id": "r",
    "model": dollars.MODEL,
    "input_tokens": 0,
    "max_output_tokens": 6,
}


def asked(request_id: str, dollars_: int, *, key: ApiKey | None = None) -> Call:
    return Call(
        request_id=request_id,
        model=dollars.MODEL,
        properties={"output_tokens": dollars_},
        api_key_id=key.pk if key else None,
    )


def ask(customer: Customer, call: Call, *, after: timedelta = timedelta()) -> Verdict:
    caller = get_caller(customer.external_id)
    return admit_call(caller=caller, call=call, at=NOW + after)


def use(request_id: str, dollars_: int) -> None:
    events = [dollars.use(dollars_, request_id)]
    settle_calls(events=events, outcomes=make.record(*events), at=NOW)


@pytest.fixture
def customer() -> Customer:
    return dollars.customer(credits="100")


class TestACap:
    def test_is_spent_by_calls_in_flight(self, customer: Customer) -> None:
        cap(customer, "5")

        assert ask(customer, asked("a", 3)).is_admitted
        refused = ask(customer, asked("b", 3))
        assert ask(customer, asked("c", 2)).is_admitted

        assert refused.limit_source is LimitName.SPEND_CAP
        assert refused.cap
        assert make.row(refused.cap.spent, refused.cap.held) == (0, 3)

    def test_counts_what_was_used_instead_of_held(self, customer: Customer) -> None:
        cap(customer, "5")
        ask(customer, asked("a", 5))
        use("a", 1)

        refused = ask(customer, asked("b", 5))
        assert ask(customer, asked("c", 4)).is_admitted

        assert refused.cap
        assert make.row(refused.cap.spent, refused.cap.held) == (1, 0)

    def test_is_given_back_by_a_release(self, customer: Customer) -> None:
        cap(customer, "5")
        ask(customer, asked("a", 5))

        release_call(caller=get_caller(customer.external_id), request_id="a")

        assert ask(customer, asked("b", 5)).is_admitted

    def test_of_a_key_binds_that_key_alone(self, customer: Customer) -> None:
        key, other = named_key(customer), named_key(customer)
        cap(customer, "5", api_key=key)

        refused = ask(customer, asked("a", 6, key=key))

        assert refused.limit_source is LimitName.KEY_LIMIT
        assert ask(customer, asked("b", 6, key=other)).is_admitted
        assert ask(customer, asked("c", 6)).is_admitted

    def test_of_another_model_does_not_bind(self, customer: Customer) -> None:
        cap(customer, "0", model="another")

        assert ask(customer, asked("a", 6)).is_admitted

    def test_starts_anew_with_the_next_day(self, customer: Customer) -> None:
        cap(customer, "5", period=CapPeriod.DAY)
        ask(customer, asked("a", 5))

        assert not ask(customer, asked("b", 5)).is_admitted
        assert ask(customer, asked("b", 5), after=timedelta(days=1)).is_admitted

    def test_of_an_operator_binds_beside_the_customers(
        self, customer: Customer
    ) -> None:
        cap(customer, "50")
        operators = cap(customer, "5", owner=CapOwner.OPERATOR)

        refused = ask(customer, asked("a", 6))

        assert refused.cap
        assert refused.cap.cap.id == operators.pk

    def test_binds_plans_that_only_warn(self) -> None:
        customer = dollars.customer(at_zero=AtZero.WARN, credits="0")
        cap(customer, "5")

        assert ask(customer, asked("a", 5)).is_admitted
        assert not ask(customer, asked("b", 1)).is_admitted

    def test_binds_without_the_gate(self, customer: Customer) -> None:
        cap(customer, "5")
        caller = get_caller(customer.external_id)
        verdicts = []
        for name, cost in (("a", 3), ("b", 3), ("c", 2)):
            call = asked(name, cost)
            told = as_ask(caller, call, Decimal(cost), at=NOW)
            verdicts.append(
                outage.admit_call(caller=caller, call=call, ask=told, at=NOW)
            )

        assert [each.is_admitted for each in verdicts] == [True, False, True]
        assert verdicts[1].limit_source is LimitName.SPEND_CAP


def test_a_refusal_says_which_cap_binds_and_until_when() -> None:
    customer = dollars.customer(credits="100")
    mine = cap(customer, "5", period=CapPeriod.DAY)

    with time_machine.travel(NOW, tick=False):
        answer = admit(DEAR)

    problem = answer.json()
    assert (answer.status_code, problem["limit_source"]) == (402, "spend_cap")
    assert problem["detail"] == (
        "The call may cost 6 USD; 5 is left of the cap of this day."
    )
    assert problem["topup_url"].endswith("/portal/caps/")
    assert problem["cap"] == {
        "id": mine.pk,
        "period": "day",
        "model": "",
        "set_by": "customer",
        "amount": "5",
        "spent": "0",
        "held": "0",
        "resets_at": "2026-11-16T00:00:00Z",
    }


@pytest.mark.django_db(transaction=True)
def test_is_never_passed_by_calls_at_once() -> None:
    customer = dollars.customer(credits="1000")
    cap(customer, "10")

    calls = [asked(f"r{number}", 1) for number in range(40)]
    verdicts = run_at_once([partial(_try, customer, call) for call in calls])

    assert sum(verdicts) <= 10


def _try(customer: Customer, call: Call) -> bool:
    """Tell whether a call is admitted, by the gate or, while it is slow, without."""
    try:
        return ask(customer, call).is_admitted
    except HeldElsewhereError:
        return False
