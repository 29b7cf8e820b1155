from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from billing.models import Customer, QuarantinedEvent, Stream, UsageEvent
from billing.models.plans import Mode
from billing.pricing.yaml_form import parse_card
from billing.services.claims import NewClaim, take_claims
from billing.services.events import Outcome, StreamPart
from billing.services.quarantine import retry_quarantined
from billing.services.rate_cards import create_rate_card, draft_version, publish_version
from billing.services.streams import lock_streams
from ledger.models import Wallet
from ledger.services import set_credit_limit
from tests import audit, make
from tests.threads import run_at_once, run_behind

pytestmark = pytest.mark.django_db(transaction=True)
COST = Decimal("0.014232")


def statuses(results: list[list[Outcome]]) -> list[str]:
    return sorted(outcome.status for outcomes in results for outcome in outcomes)


def test_the_same_key_twenty_times_at_once_has_one_effect() -> None:
    customer = make.customer(credits="50")

    results = run_at_once([partial(make.record, make.event()) for _ in range(20)])

    customer.wallet.refresh_from_db()
    assert statuses(results) == ["accepted"] + ["duplicate"] * 19
    assert {outcomes[0].cost for outcomes in results} == {COST}
    assert customer.wallet.balance == 50 - COST
    assert audit.differences() == []


def test_fifty_spenders_of_one_wallet_take_exactly_what_they_use() -> None:
    customer = make.customer(credits="0.25")
    make.lot(customer.wallet, "0.25")
    calls = [partial(make.record, make.event(f"req_{n}")) for n in range(50)]

    results = run_at_once(calls)

    customer.wallet.refresh_from_db()
    outcomes = [outcome for [outcome] in results]
    left = [Decimal("0.5") - number * COST for number in range(1, 51)]
    assert statuses(results) == ["accepted"] * 50
    # Each saw what all before it had left: nobody decided on a stale balance.
    assert {outcome.balance for outcome in outcomes} == set(left)
    assert sum(1 for outcome in outcomes if outcome.warning) == 15
    assert customer.wallet.balance == left[-1]
    assert audit.differences() == []


def test_a_credit_limit_set_while_a_batch_waits_counts() -> None:
    customer = make.customer(plan=make.plan(mode=Mode.POSTPAID))
    more = partial(
        set_credit_limit, wallet_id=customer.wallet_id, credit_limit=Decimal(1)
    )

    [[outcome]] = run_behind(more, [partial(make.record, make.event())], commit=True)

    assert (outcome.balance, outcome.warning) == (-COST, None)


def test_one_key_with_other_payloads_at_once_stands_once() -> None:
    make.customer(credits="50")
    calls = [partial(make.record, make.event(output_tokens=n)) for n in range(10)]

    results = run_at_once(calls)

    assert statuses(results) == ["accepted"] + ["conflict"] * 9
    assert UsageEvent.objects.count() == 1


def test_batches_that_share_customers_in_opposite_order_do_not_deadlock() -> None:
    plan = make.plan()
    names = [f"cus_{n}" for n in range(20)]
    for name in names:
        make.customer(external_id=name, plan=plan, credits="1")
    batches = [
        [make.event(f"{n}:{name}", customer=name) for name in names[:: 1 - n % 2 * 2]]
        for n in range(10)
    ]

    results = run_at_once([partial(make.record, *batch) for batch in batches])

    balances = set(Wallet.objects.values_list("balance", flat=True))
    assert set(statuses(results)) == {"accepted"}
    assert balances == {1 - 10 * COST}
    assert audit.differences() == []


def test_batches_that_share_keys_in_opposite_order_do_not_deadlock() -> None:
    customer = make.customer(credits="50")
    middle = NewClaim(customer.pk, "m", bytes(32), make.NOW)
    batches = [[make.event(key) for key in keys] for keys in ("amz", "zma")]

    results = run_behind(
        partial(take_claims, [middle]),
        [partial(make.record, *batch) for batch in batches],
        commit=False,
    )

    assert statuses(results) == ["accepted"] * 3 + ["duplicate"] * 3
    assert audit.differences() == []


def test_batches_that_share_streams_in_opposite_order_do_not_deadlock() -> None:
    customer = make.customer(credits="50")
    part = StreamPart(0, is_final=True)
    batches = [
        [make.event(key, stream=part) for key in keys] for keys in ("amz", "zma")
    ]

    results = run_behind(
        partial(lock_streams, [(customer.pk, "m")], received_at=make.NOW),
        [partial(make.record, *batch) for batch in batches],
        commit=False,
    )

    assert statuses(results) == ["accepted"] * 3 + ["duplicate"] * 3


def test_a_key_is_free_again_when_its_first_batch_is_rolled_back() -> None:
    make.customer(credits="50")

    results = run_behind(
        partial(make.record, make.event()),
        [partial(make.record, make.event())],
        commit=False,
    )

    assert statuses(results) == ["accepted"]
    assert UsageEvent.objects.count() == 1


def test_a_key_waits_for_the_batch_that_took_it() -> None:
    make.customer(credits="50")

    results = run_behind(
        partial(make.record, make.event()),
        [partial(make.record, make.event())],
        commit=True,
    )

    assert statuses(results) == ["duplicate"]
    assert results[0][0].cost == COST


def test_two_chunks_at_once_close_their_stream_once() -> None:
    make.customer(credits="50")
    names = [f"s{n}" for n in range(10)]
    first, last = (
        [make.event(name, stream=StreamPart(n, n == 1)) for name in names]
        for n in range(2)
    )

    results = run_at_once(
        [partial(make.record, *first), partial(make.record, *reversed(last))]
    )

    closed = [o for outcomes in results for o in outcomes if not o.is_open_stream]
    assert len(closed) == UsageEvent.objects.count() == 10
    assert not Stream.objects.filter(closed_at=None).exists()
    assert audit.differences() == []


def test_one_chunk_ten_times_at_once_is_counted_once() -> None:
    customer = make.customer(credits="50")
    chunk = make.event("s", stream=StreamPart(0, is_final=True))

    results = run_at_once([partial(make.record, chunk)] * 10)

    customer.wallet.refresh_from_db()
    assert statuses(results) == ["accepted"] + ["duplicate"] * 9
    assert customer.wallet.balance == 50 - COST


def test_a_period_closes_after_the_batches_under_way() -> None:
    make.customer(credits="50")
    november = make.NOW.replace(day=1, hour=0)
    october = make.event("a", occurred_at=november - timedelta(hours=1))

    run_behind(
        partial(make.record, october),
        [partial(make.close_period, november)],
        commit=True,
    )

    assert UsageEvent.objects.get().period_start < november
    assert Customer.objects.get().closed_until == november


def test_a_batch_waits_for_the_period_that_is_being_closed() -> None:
    make.customer(credits="50")
    november = make.NOW.replace(day=1, hour=0)
    october = make.event("a", occurred_at=november - timedelta(hours=1))

    run_behind(
        partial(make.close_period, november),
        [partial(make.record, october)],
        commit=True,
    )

    assert UsageEvent.objects.get().period_start == november


def test_two_retries_at_once_charge_a_quarantined_event_once() -> None:
    card = create_rate_card(code="new", name="New", currency="USD")
    make.customer(plan=make.plan(card=card), credits="50")
    make.record(*[make.event(f"req_{n}") for n in range(20)])
    version = draft_version(rate_card=card, card=parse_card(make.SEED_CARD))
    publish_version(version=version, effective_from=make.NOW, by="ada", at=make.NOW)

    retries = run_at_once([partial(retry_quarantined, received_at=make.NOW)] * 4)

    assert sum(retry.recorded for retry in retries) == 20
    assert not QuarantinedEvent.objects.filter(resolved_at=None).exists()
    assert audit.differences() == []
