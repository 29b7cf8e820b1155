"""Calls taken back of months whose prices depend on what they used."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.models import Customer, TrueUp
from billing.models.true_ups import Reason
from billing.pricing.estimating import Calls, estimate_period
from billing.pricing.rating import compile_card
from billing.pricing.yaml_form import parse_card
from billing.services.corrections import (
    Note,
    PeriodSettledError,
    Replacement,
    amend_event,
)
from config.verification import verify_all
from invoices.models import Invoice
from invoices.services.invoicing import EmptyPeriodError
from ledger.money import round_to_currency, total
from tests import http, make
from tests.billing.test_period_metering import images
from tests.invoices.state import MONTH_END, final, use
from tests.make import NOW

pytestmark = pytest.mark.django_db
RATE = """\
model: m
rates:
  - dimension: images
    unit: 1 image
"""
GRADUATED = f"""{RATE}    per_period: graduated
    free_per_period: 3
    tiers:
      - up_to: 10
        price_usd: 10
        flat_usd: 2
      - price_usd: 1
"""
VOLUME = GRADUATED.replace("graduated", "volume")
PACKAGE = f"""{RATE.replace("1 image", "10 images")}    per_period: package
    price_usd: 10
"""
PLAIN = """\
  - dimension: pages
    unit: 3 pages
    price_usd: 1
"""
CARDS = {"graduated": GRADUATED, "volume": VOLUME, "package": PACKAGE}


def customer_on(text: str, *, name: str = "cus_abc123") -> Customer:
    plan = make.plan(card=make.rate_card(text))
    return make.customer(plan=plan, credits="5000", external_id=name)


def differences() -> list[str]:
    return [line for finding in verify_all() for line in finding.differences]


def whole_price(text: str, units: int, calls: int) -> Decimal:
    """Return what so many units cost in a month of their own, if there was a call."""
    if not calls:
        return Decimal(0)
    card = compile_card(parse_card(text))
    month = Calls(card, "m", {"images": units}, Decimal(1))
    [estimate] = estimate_period([month], at=NOW)
    lines = total(line.amount for line in estimate.lines)
    return lines + total(bound.amount for bound in estimate.bounds)


def amend(customer: Customer, key: str, by: str, count: int) -> None:
    instead = Replacement(key=by, properties={"model": "m", "images": count})
    note = Note(reason="miscounted", actor="ada", at=NOW)
    amend_event(customer=customer, key=key, replacement=instead, note=note)


@pytest.mark.parametrize("name", CARDS)
def test_amending_a_call_to_the_same_changes_nothing_in_the_end(name: str) -> None:
    customer = customer_on(CARDS[name])
    first, second = images(9), images(9)
    use(first, second)
    amend(customer, first.idempotency_key, "again", 9)

    invoice = final(customer)

    assert invoice.total == whole_price(CARDS[name], 18, 2)
    assert differences() == []


@pytest.mark.parametrize("name", CARDS)
def test_a_month_whose_first_call_was_voided_costs_what_the_rest_does(
    name: str,
) -> None:
    customer = customer_on(CARDS[name])
    first = images(9)
    use(first, images(5), images(7))
    make.void(customer, first.idempotency_key)

    invoice = final(customer)

    assert invoice.total == whole_price(CARDS[name], 12, 2)
    assert differences() == []


def test_the_line_says_what_it_settles() -> None:
    customer = customer_on(PACKAGE)
    first = images(9)
    use(first, images(1))
    make.void(customer, first.idempotency_key)

    descriptions = [line.description for line in final(customer).lines.all()]

    settled = "True-up to the usage without what was taken back · m · images"
    assert settled in descriptions
    assert TrueUp.objects.get().amount == 10


@pytest.mark.parametrize("name", CARDS)
def test_a_month_of_which_all_was_voided_costs_nothing(name: str) -> None:
    customer = customer_on(CARDS[name])
    first = images(9)
    use(first)
    make.void(customer, first.idempotency_key)

    with pytest.raises(EmptyPeriodError):
        final(customer)

    customer.wallet.refresh_from_db()
    assert customer.wallet.balance == 5000
    assert not Invoice.objects.exists()


def test_plain_prices_are_not_trued_up_for_a_correction() -> None:
    customer = customer_on(f"{GRADUATED}{PLAIN}")
    stated = {"model": "m", "pages": 1}
    events = [replace(images(0), properties=stated) for _ in "abc"]
    use(*events)
    make.void(customer, events[0].idempotency_key)

    final(customer)

    assert not TrueUp.objects.filter(reason=Reason.CORRECTION).exists()


class TestAClosedMonth:
    @pytest.mark.parametrize("name", CARDS)
    def test_keeps_what_its_usage_priced(self, name: str) -> None:
        customer = customer_on(CARDS[name])
        first = images(9)
        use(first)
        final(customer)

        with pytest.raises(PeriodSettledError, match="give credits instead"):
            make.void(customer, first.idempotency_key, at=MONTH_END)
        with pytest.raises(PeriodSettledError):
            amend(customer, first.idempotency_key, "again", 8)

        assert differences() == []

    def test_is_said_over_the_api(self) -> None:
        customer = customer_on(GRADUATED)
        first = images(9)
        use(first)
        final(customer)

        answer = http.correct(
            first.idempotency_key,
            "void",
            {"customer_id": customer.external_id, "reason": "twice"},
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "period_settled")


counts = st.integers(0, 12)
steps = st.lists(
    st.tuples(st.sampled_from(["use", "void", "amend"]), st.integers(0, 4), counts),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25)
@example("volume", [("use", 0, 0)])
@example("volume", [("use", 0, 1), ("use", 0, 2)])
@given(st.sampled_from(sorted(CARDS)), steps)
def test_a_month_costs_what_its_standing_calls_do(
    name: str, history: Sequence[tuple[str, int, int]]
) -> None:
    customer = customer_on(CARDS[name], name=f"cus_{make.unique()}")
    standing: dict[str, int] = {}

    for step, place, count in history:
        key = sorted(standing)[place % len(standing)] if standing else ""
        if step == "use" or not key:
            event = images(count, customer=customer.external_id)
            use(event)
            standing[event.idempotency_key] = count
            continue
        del standing[key]
        if step == "void":
            make.void(customer, key)
        else:
            standing[f"{key}-{make.unique()}"] = count
            amend(customer, key, [*standing][-1], count)

    expected = whole_price(CARDS[name], sum(standing.values()), len(standing))
    if standing:
        assert final(customer).total == round_to_currency(expected, "USD")
    assert differences() == []
