"""Real usage of a customer on other prices, another model or other terms."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.models import Customer, UsageEvent
from billing.periods import period_containing
from billing.pricing.discounts import Discounts
from billing.pricing.rating import CompiledCard, Terms, compile_card
from billing.pricing.yaml_form import parse_card
from billing.queries.accounts import find_accounts
from billing.queries.repriced import GapKey, LineKey, Repriced
from billing.queries.repricing import reprice
from tests import make
from tests.billing.backtesting import agree
from tests.make import NOW, row

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MONTH = period_containing(NOW, ZoneInfo("UTC"))
OTHER = """\
model: other-model
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.01
  - dimension: output_tokens
    unit: 1000 tokens
    price_usd: 0
"""
VOLUME = """\
model: text-gen-v3
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    per_period: volume
    tiers:
      - up_to: 1000
        price_usd: 1
      - price_usd: 0.5
  - dimension: output_tokens
    unit: 1000 tokens
    price_usd: 0
"""
MINIMUM = "    minimum_per_period_usd: 9\n    price_usd: 0\n"
INPUT = LineKey("text-gen-v3", "input_tokens")


@pytest.fixture
def customer() -> Customer:
    return make.customer(credits="50")


def compiled(text: str) -> CompiledCard:
    return compile_card(parse_card(text))


def repriced(text: str, **options: object) -> Repriced:
    [account] = find_accounts(["cus_abc123"]).values()
    return reprice(
        account=account,
        card=compiled(text),
        **{"start": NOW - 40 * DAY, "end": NOW + DAY, **options},  # type: ignore[arg-type]
    )


@pytest.mark.usefixtures("customer")
def test_another_model_prices_what_was_used_of_this_one() -> None:
    make.record(make.event(input_tokens=1000))

    found = repriced(OTHER, model="other-model")

    line = found.lines[INPUT]
    assert row(line.calls, line.quantity) == (1, 1000)
    assert row(line.before, line.after) == (Decimal("0.003"), Decimal("0.01"))
    assert found.before == UsageEvent.objects.get().amount
    assert found.after == Decimal("0.01")


@pytest.mark.usefixtures("customer")
def test_a_model_that_a_card_has_not_is_a_gap() -> None:
    make.record(make.event("a"), make.event("b", occurred_at=NOW - DAY))

    found = repriced(OTHER)

    [(key, gap)] = found.gaps.items()
    assert key == GapKey(False, "text-gen-v3", "unknown_model")
    assert gap.detail == "The card has no model 'text-gen-v3'."
    assert (found.calls, found.unpriced, gap.calls) == (2, 2, 2)
    assert row(found.before, found.after) == (Decimal("0.028464"), 0)


def test_the_customers_own_terms_apply(customer: Customer) -> None:
    make.record(make.event(input_tokens=1000))
    agree(customer, discount_percent=Decimal(10))

    assert repriced(make.SEED_CARD).lines[INPUT].after == Decimal("0.0027")


def test_other_terms_may_be_tried(customer: Customer) -> None:
    agree(customer, discount_percent=Decimal(10))
    make.record(make.event(input_tokens=1000), make.event("b", status="error"))
    half = Terms(Discounts(Decimal(50)), waives_failed_calls=False)

    found = repriced(make.SEED_CARD, terms=half)

    line = found.lines[INPUT]
    assert row(line.calls, line.before, line.after) == (
        2,
        Decimal("0.0038124"),
        Decimal("0.002118"),
    )


@pytest.mark.usefixtures("customer")
def test_failed_calls_are_waived_as_they_were() -> None:
    make.record(make.event(status=500, output_tokens=0))

    found = repriced(make.SEED_CARD)

    assert row(found.calls, found.unpriced, found.after) == (1, 0, 0)


@pytest.mark.usefixtures("customer")
def test_each_period_begins_anew_and_is_read_whole() -> None:
    for number, days in enumerate((32, 31, 2, 0)):
        at = NOW - days * DAY
        make.record(make.event(str(number), occurred_at=at, input_tokens=900))
    [account] = find_accounts(["cus_abc123"]).values()

    found = reprice(
        account=account, start=NOW - 31 * DAY, end=NOW + DAY, card=compiled(VOLUME)
    )

    # The second call of either month reaches the second tier; one is not asked for.
    assert found.calls == 3
    assert found.lines[INPUT].after == Decimal("0.45") + Decimal("0.9") + Decimal(
        "0.45"
    )


@pytest.mark.usefixtures("customer")
def test_late_usage_counts_in_the_period_that_bills_it() -> None:
    make.record(make.event("a", occurred_at=NOW - 20 * DAY, input_tokens=900))
    make.close_period(NOW.replace(day=1, hour=0))
    make.record(
        make.event("late", occurred_at=NOW - 21 * DAY, input_tokens=900),
        make.event("b", input_tokens=900),
    )
    [account] = find_accounts(["cus_abc123"]).values()

    found = reprice(
        account=account, start=NOW - DAY, end=NOW + DAY, card=compiled(VOLUME)
    )

    assert found.lines[INPUT].after == Decimal("0.45")


@pytest.mark.usefixtures("customer")
def test_a_card_in_another_currency_prices_nothing() -> None:
    make.record(make.event())

    found = repriced(OTHER.replace("usd", "eur"))

    assert [key.reason for key in found.gaps] == ["other_currency"]


def test_what_a_whole_month_was_trued_up_by_is_in_what_was_charged() -> None:
    make.customer(plan=make.plan(card=make.rate_card(VOLUME)), credits="5000")
    make.record(make.event("a", input_tokens=1000), make.event("b", input_tokens=500))

    flat = repriced(OTHER, model="other-model", start=MONTH.start, end=MONTH.end)
    same = repriced(VOLUME, start=MONTH.start, end=MONTH.end)
    cut = repriced(VOLUME, start=MONTH.start + DAY, end=MONTH.end)

    # 1,500 tokens at 0.5 for a thousand; 1,000 of them were charged at 1.
    assert row(flat.before, flat.after) == (Decimal("0.75"), Decimal("0.015"))
    assert row(same.before, same.after) == (Decimal("0.75"), Decimal("0.75"))
    assert row(cut.before, cut.after) == (Decimal("1.25"), Decimal("1.25"))


def test_no_least_is_owed_before_the_customer_came(customer: Customer) -> None:
    Customer.objects.filter(pk=customer.pk).update(recorded_at=NOW)
    text = OTHER.replace("    price_usd: 0\n", MINIMUM)

    found = repriced(text, start=MONTH.start - 90 * DAY, end=MONTH.end)

    assert row(found.before, found.after) == (0, 9)
