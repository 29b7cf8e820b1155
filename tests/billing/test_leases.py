"""What PostgreSQL lets the gate hold, and tells it of a customer's credits."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
import redis
from django.conf import settings

from billing.models import Customer, GateLease, LimitName, Plan
from billing.models.plans import AtZero, Mode
from billing.queries.callers import get_caller
from billing.services import leases
from billing.services.leases import read_base
from billing.services.outage import hold_call
from ratelimits.messages import Ask, Base
from tests import make
from tests.billing import dollars
from tests.billing.calls import admit, call_of
from tests.make import NOW
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
# Holds last 300 seconds, and count for ten more.
LONGEST_HOLD, LEASE = 310 * SECOND, 610 * SECOND


def take(
    customer: Customer, need: int, generation: int | None = None, *, at: datetime = NOW
) -> Base:
    """Take a lease for a gate that knows this generation, or has forgotten all."""
    if generation is None:
        redis.Redis.from_url(settings.REDIS_URL).flushdb()
    return take_more(customer, need, generation, at=at)


def take_more(
    customer: Customer, need: int, generation: int | None = None, *, at: datetime = NOW
) -> Base:
    caller = get_caller(customer.external_id)
    return leases.take_lease(
        caller=caller, generation=generation, need=Decimal(need), at=at
    )


def read(
    customer: Customer, generation: int | None = None, *, at: datetime = NOW
) -> Base:
    caller = get_caller(customer.external_id)
    return read_base(caller=caller, generation=generation, at=at)


class TestALease:
    def test_has_room_for_more_calls_than_are_asked_for(self) -> None:
        customer = dollars.customer(credits="50")

        base = take(customer, 3)

        lease = GateLease.objects.get()
        assert make.row(base.lease, lease.amount, base.available) == (12, 12, 50)
        assert base.generation == lease.pk

    def test_has_room_for_what_is_finer_than_can_be_stored(self) -> None:
        customer = dollars.customer(credits="50")
        finest, caller = Decimal("1E-18"), get_caller(customer.external_id)

        base = leases.take_lease(
            caller=caller, generation=None, need=finest / 10, at=NOW
        )

        assert base.lease == finest

    def test_is_never_more_than_may_be_spent(self) -> None:
        assert make.row(take(dollars.customer(), 3).lease) == (5,)

    def test_is_nothing_where_nothing_may_be_spent(self) -> None:
        customer = dollars.customer(credits="0")
        make.record(dollars.use(2))

        base = take(customer, 3)

        assert make.row(base.lease, base.available) == (0, -2)

    @pytest.mark.parametrize(("mode", "at_zero"), dollars.BILLS)
    def test_counts_the_credit_limit_where_usage_is_billed(
        self, mode: Mode, at_zero: AtZero
    ) -> None:
        assert make.row(take(dollars.customer(mode, at_zero), 9).lease) == (25,)

    def test_leaves_what_another_may_hold(self) -> None:
        customer = dollars.customer()
        take(customer, 1)

        base = take(customer, 1)

        assert make.row(base.lease, base.available) == (1, 1)

    def test_leaves_what_calls_hold_that_the_gate_does_not_know(self) -> None:
        customer = dollars.customer()
        _hold(customer, 3)

        base = take(customer, 2)

        assert make.row(base.lease, base.available) == (2, 2)

    def test_grows_and_never_shrinks(self) -> None:
        customer = dollars.customer(credits="50")
        generation = take(customer, 1).generation

        amounts = [take(customer, need, generation).lease for need in (3, 1)]

        assert make.row(*amounts) == (12, 12)
        assert make.row(GateLease.objects.get().amount) == (12,)

    def test_does_not_shrink_when_what_it_covers_has_been_spent(self) -> None:
        customer = dollars.customer()
        generation = take(customer, 2).generation
        make.record(dollars.use(5))

        base = take(customer, 1, generation)

        # Calls may hold that much; the balance keeps others away.
        assert make.row(base.lease, base.available) == (5, 0)

    def test_lasts_longer_when_it_is_taken_again(self) -> None:
        customer = dollars.customer()
        generation = take(customer, 1).generation

        base = take(customer, 1, generation, at=NOW + SECOND)

        assert (base.generation, base.begins) == (generation, False)
        assert GateLease.objects.get().expires_at == NOW + SECOND + LEASE
        assert base.lease_lasts == 610_000

    def test_that_has_ended_is_followed_by_another(self) -> None:
        customer = dollars.customer()
        first = take(customer, 1)

        base = take(customer, 1, first.generation, at=NOW + LEASE)

        assert base.generation != first.generation


class TestAGateThatHasForgotten:
    def test_begins_anew_beside_what_it_had_leased(self) -> None:
        customer = dollars.customer()
        first = take(customer, 1)

        second = take(customer, 5)

        assert second.generation != first.generation
        assert make.row(first.lease, second.lease) == (4, 1)

    def test_frees_its_lease_once_the_last_of_those_calls_has_ended(self) -> None:
        customer = dollars.customer()
        take(customer, 5)
        generation = take(customer, 1).generation

        before = take(customer, 5, generation, at=NOW + LONGEST_HOLD - SECOND)
        after = take(customer, 5, generation, at=NOW + LONGEST_HOLD)

        assert make.row(before.lease, after.lease) == (0, 5)

    def test_does_not_prolong_what_ends_before(self) -> None:
        customer = dollars.customer()
        first = take(customer, 1).generation

        take(customer, 1, at=NOW + 400 * SECOND)

        assert GateLease.objects.get(pk=first).expires_at == NOW + LEASE

    def test_leaves_no_lease_behind_that_has_ended(self) -> None:
        customer = dollars.customer()
        take(customer, 1)

        second = take(customer, 1, at=NOW + LEASE)

        assert GateLease.objects.get().pk == second.generation

    def test_ends_no_lease_of_another_customer(self) -> None:
        other = make.customer(external_id="cus_other", credits="5")
        mine = dollars.customer()
        take(other, 1)

        take(mine, 1)

        assert GateLease.objects.get(customer=other).expires_at == NOW + LEASE


class TestABase:
    def test_is_what_may_be_held_but_for_the_gates_own_lease(self) -> None:
        customer = dollars.customer(credits="10")
        generation = take(customer, 1).generation
        _hold(customer, 3)
        customer.leases.create(amount=Decimal(2), expires_at=NOW + SECOND)

        base = read(customer, generation)

        assert make.row(base.available, base.lease) == (5, None)
        assert (base.generation, base.begins) == (generation, False)

    def test_says_which_of_two_is_younger(self) -> None:
        customer = dollars.customer()
        before = read(customer)
        make.record(dollars.use(1))

        after = read(customer)

        assert after.sequence > before.sequence
        assert make.row(before.available, after.available) == (5, 4)

    def test_leases_nothing_to_a_gate_that_begins(self) -> None:
        base = read(dollars.customer(at_zero=AtZero.WARN))

        assert (base.generation, base.begins, base.lease) == (0, True, None)
        assert not GateLease.objects.exists()

    def test_lasts_two_seconds(self) -> None:
        customer = dollars.customer()

        assert (read(customer).lasts, take(customer, 1).lasts) == (2000, 2000)

    def test_ends_when_credits_begin_or_expire(self) -> None:
        customer = dollars.customer()
        soon = NOW + timedelta(milliseconds=700)
        make.lot(customer.wallet, "5", expires_at=soon)
        make.lot(customer.wallet, "7", starts_at=soon + SECOND)

        assert (read(customer).lasts, take(customer, 1).lasts) == (700, 700)
        assert read(customer, at=soon).lasts == 1000

    def test_lasts_for_one_answer_at_least(self) -> None:
        customer = dollars.customer()
        make.lot(customer.wallet, "5", expires_at=NOW + timedelta(microseconds=1))

        assert read(customer).lasts == 1


@pytest.mark.django_db(transaction=True)
def test_of_gates_that_begin_at_once_one_does() -> None:
    customer = dollars.customer(credits="10")

    bases = run_at_once([partial(take_more, customer, 1) for _ in range(8)])

    lease = GateLease.objects.get()
    assert {base.generation for base in bases} == {lease.pk}
    assert make.row(lease.amount) == (4,)


@pytest.mark.django_db(transaction=True)
def test_a_lease_that_many_ask_for_at_once_grows_to_the_largest() -> None:
    customer = dollars.customer(credits="50")
    generation = take(customer, 1).generation

    run_at_once([partial(take, customer, need, generation) for need in range(1, 9)])

    assert make.row(GateLease.objects.get().amount) == (32,)


def _hold(customer: Customer, amount: int) -> None:
    """Hold what a call may cost that was admitted without the gate."""
    caller, call = get_caller(customer.external_id), call_of(amount)
    ask = Ask(
        id=call.request_id,
        print=call.fingerprint,
        limit=caller.limit_for(call.model),
        tokens=call.tokens,
        cost=Decimal(amount),
        floor=caller.account.allowance.floor,
    )
    hold_call(caller=caller, call=call, ask=ask, refused=[], at=NOW)


def test_calls_that_need_no_lease_hold_on_when_the_plan_is_to_block() -> None:
    customer = dollars.customer(at_zero=AtZero.WARN)
    admit(customer, 5, "req_1")

    Plan.objects.update(at_zero=AtZero.BLOCK)

    assert admit(customer, 1).limit_source == LimitName.ACCOUNT_CREDITS
    assert admit(customer, 5, "req_1").is_repeat
