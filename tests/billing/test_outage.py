"""Admission while the gate does not answer: credits by PostgreSQL, and no other way."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings

from billing.models import CallHold, Customer, LimitName
from billing.models.plans import AtZero, Mode
from billing.queries.allowances import CreditWarning
from billing.queries.callers import get_caller
from billing.services.admission import as_ask, extend_calls, release_call
from billing.services.events import StreamPart
from billing.services.outage import (
    RequestIdTakenError,
    forget_holds,
    hold_call,
)
from billing.services.settling import settle_calls
from tests import audit, make
from tests.billing import dollars
from tests.billing.calls import admit, call_of
from tests.make import NOW
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
HELD = timedelta(seconds=300)
INSTANT = timedelta(microseconds=1)


def settle(cost: int, key: str, *, at: datetime = NOW, **more: Any) -> None:
    """Record the event of a call, as a gateway posts it when the call has run."""
    events = [dollars.use(cost, key, **more)]
    outcomes = make.record(*events)
    settle_calls(events=events, outcomes=outcomes, at=at)


def release(customer: Customer, key: str) -> None:
    release_call(caller=get_caller(customer.external_id), request_id=key)


@pytest.mark.usefixtures("_no_gate")
class TestCredits:
    def test_are_held_by_a_call_until_it_ends(self) -> None:
        customer = dollars.customer()

        verdict = admit(customer, 3)

        assert verdict.is_admitted
        assert make.row(verdict.available, verdict.held, verdict.spendable) == (5, 3, 2)
        assert (verdict.expires_at, verdict.rates) == (NOW + HELD, None)

    def test_that_are_not_there_refuse_a_call(self) -> None:
        customer = dollars.customer()
        admit(customer, 3)

        verdict = admit(customer, 3)

        assert verdict.limit_source == LimitName.ACCOUNT_CREDITS
        assert make.row(verdict.estimate, verdict.held, verdict.spendable) == (3, 3, 2)
        assert admit(customer, 2).is_admitted

    def test_are_free_again_once_a_hold_has_ended(self) -> None:
        customer = dollars.customer()
        admit(customer, 5)

        assert not admit(customer, 1, at=NOW + HELD - INSTANT).is_admitted
        assert admit(customer, 5, at=NOW + HELD).is_admitted

    def test_of_a_call_that_is_released_are_free_at_once(self) -> None:
        customer = dollars.customer()
        admit(customer, 5, "req_1")

        release(customer, "req_1")

        assert admit(customer, 5).is_admitted

    def test_of_a_call_whose_event_has_come_are_debited_instead(self) -> None:
        customer = dollars.customer()
        admit(customer, 5, "req_1")

        settle(2, "req_1")

        assert not CallHold.objects.exists()
        verdict = admit(customer, 3)
        assert make.row(verdict.available, verdict.spendable) == (3, 0)

    def test_of_an_open_stream_stay_held_and_last_longer(self) -> None:
        customer = dollars.customer()
        admit(customer, 5, "req_1")
        later = NOW + HELD - INSTANT

        settle(2, "req_1", stream=StreamPart(0, is_final=False), at=later)

        assert not admit(customer, 1, at=NOW + HELD).is_admitted
        assert admit(customer, 1, at=later + HELD).is_admitted


@pytest.mark.usefixtures("_no_gate")
class TestARequestId:
    def test_asked_again_is_answered_alike_and_holds_nothing_more(self) -> None:
        customer = dollars.customer()
        first = admit(customer, 5, "req_1")

        again = admit(customer, 5, "req_1")

        assert (again.is_admitted, again.is_repeat) == (True, True)
        assert again.expires_at == first.expires_at
        assert make.row(again.held) == (5,)

    def test_of_another_call_is_refused(self) -> None:
        customer = dollars.customer()
        admit(customer, 1, "req_1")

        with pytest.raises(RequestIdTakenError):
            admit(customer, 2, "req_1")

    def test_may_be_used_again_once_its_hold_has_ended(self) -> None:
        customer = dollars.customer()
        admit(customer, 1, "req_1")

        verdict = admit(customer, 2, "req_1", at=NOW + HELD)

        assert (verdict.is_admitted, verdict.is_repeat) == (True, False)
        assert make.row(CallHold.objects.get().amount) == (2,)

    def test_without_a_hold_is_extended_by_nothing(self) -> None:
        caller = get_caller(dollars.customer().external_id)

        assert extend_calls(caller=caller, request_ids=["req_1"], at=NOW) is None


@pytest.mark.usefixtures("_no_gate")
class TestPlans:
    def test_that_warn_refuse_nothing(self) -> None:
        customer = dollars.customer(at_zero=AtZero.WARN)

        verdict = admit(customer, 99)

        assert verdict.is_admitted
        assert verdict.warning == CreditWarning.CREDITS_EXHAUSTED

    @pytest.mark.parametrize(("mode", "at_zero"), dollars.BILLS)
    def test_that_bill_admit_up_to_the_credit_limit(
        self, mode: Mode, at_zero: AtZero
    ) -> None:
        customer = dollars.customer(mode, at_zero)

        assert admit(customer, 25).warning == CreditWarning.OVERAGE
        assert admit(customer, 1).limit_source == LimitName.CREDIT_LIMIT

    def test_that_warn_are_not_kept_waiting_by_a_lost_gate(self) -> None:
        customer = dollars.customer(at_zero=AtZero.WARN)
        customer.leases.create(amount=Decimal(5), expires_at=NOW + HELD)

        assert admit(customer, 5).is_admitted


@pytest.mark.usefixtures("_no_gate")
def test_rates_are_kept_by_each_process(settings: Settings) -> None:
    settings.WEB_WORKERS = 30
    customer = dollars.customer(credits="50")

    verdicts = [admit(customer, 1) for _ in range(3)]

    assert [each.limit_source for each in verdicts] == [None, None, "requests"]
    assert make.row(verdicts[-1].held) == (2,)


@pytest.mark.usefixtures("_no_gate")
@pytest.mark.django_db(transaction=True)
def test_fifty_calls_at_once_get_the_ten_that_the_balance_pays_for() -> None:
    customer = dollars.customer(credits="10")

    verdicts = run_at_once([partial(admit, customer, 1) for _ in range(50)])

    assert [each.is_admitted for each in verdicts].count(True) == 10
    assert sum(hold.amount for hold in CallHold.objects.all()) == 10
    assert audit.differences() == []


class TestForgetting:
    def test_deletes_what_ended_before(self) -> None:
        customer = dollars.customer()
        for ends in (NOW - INSTANT, NOW):
            customer.leases.create(amount=Decimal(1), expires_at=ends)

        assert forget_holds(ended_before=NOW) == 1
        assert [lease.expires_at for lease in customer.leases.all()] == [NOW]

    @pytest.mark.usefixtures("_no_gate")
    def test_deletes_holds_that_ended_and_no_others(self) -> None:
        customer = dollars.customer()
        admit(customer, 1, "req_1")
        admit(customer, 1, "req_2", at=NOW + INSTANT)

        assert forget_holds(ended_before=NOW + HELD + INSTANT) == 1
        assert CallHold.objects.get().request_id == "req_2"


def test_a_hold_is_never_less_than_the_call_may_cost() -> None:
    customer = dollars.customer()
    caller, call = get_caller(customer.external_id), call_of(1)
    ask = as_ask(caller, call, Decimal("1E-19"), at=NOW)

    hold_call(caller=caller, call=call, ask=ask, refused=[], at=NOW)

    assert CallHold.objects.get().amount == Decimal("1E-18")
