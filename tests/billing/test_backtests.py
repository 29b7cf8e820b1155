"""A version tried on a past period: what was charged beside what it would charge."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.models import (
    BacktestChunk,
    BacktestLine,
    Charge,
    Customer,
)
from billing.queries.backtests import report_backtest
from billing.services.backtest_chunks import run_chunk
from ledger.money import total
from tests import make
from tests.billing.backtesting import (
    OWN,
    RICH,
    agree,
    backtest_on,
    charged,
    draft,
    each_price,
    gaps,
    lines,
    planned,
    use_everything,
)
from tests.make import NOW, row

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
INPUT = ("text-gen-v3", "input_tokens")
OUTPUT = ("text-gen-v3", "output_tokens")
GRADUATED = """\
model: text-gen-v3
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    per_period: graduated
    free_per_period: 500
    tiers:
      - up_to: 2000
        price_usd: 0.01
      - price_usd: 0.005
  - dimension: output_tokens
    unit: 1000 tokens
    price_usd: 0.012
"""


@pytest.fixture
def customer() -> Customer:
    return make.customer(plan=make.plan(card=make.rate_card(RICH)), credits="50")


class TestTheSamePrices:
    def test_differ_on_no_line(self, customer: Customer) -> None:
        use_everything()

        backtest = backtest_on(customer.plan.rate_card.versions.get())

        found = lines(backtest)
        assert {before - after for before, after in found.values()} == {0}
        assert found.keys() == set(Charge.objects.values_list("model", "dimension"))
        assert total(before for before, _ in found.values()) == charged()
        assert gaps(backtest) == []

    def test_differ_on_no_line_where_prices_depend_on_the_period(self) -> None:
        card = make.rate_card(GRADUATED)
        make.customer(plan=make.plan(card=card), credits="50")
        # Keys are taken in another order than events are priced.
        make.record(*[make.event(key, input_tokens=700) for key in "cab"])
        make.record(make.event("d", input_tokens=5000))

        backtest = backtest_on(card.versions.get())

        found = lines(backtest)
        # 500 are free, 2,000 are at 0.01 and 4,600 at 0.005.
        assert found[INPUT] == row(Decimal("0.043"), Decimal("0.043"))
        assert found[OUTPUT][0] == found[OUTPUT][1]

    def test_count_calls_and_quantities(self, customer: Customer) -> None:
        use_everything()

        backtest = backtest_on(customer.plan.rate_card.versions.get())

        line = BacktestLine.objects.get(dimension="input_tokens", model=INPUT[0])
        charges = Charge.objects.filter(dimension="input_tokens", model=INPUT[0])
        assert line.calls == charges.count() == 5
        assert line.quantity == total(each.quantity for each in charges)
        assert (backtest.events_total, backtest.events_done) == (7, 7)


class TestOtherPrices:
    def test_dearer_by_a_tenth_are_a_tenth_on_every_line(self) -> None:
        card = make.rate_card()
        make.customer(plan=make.plan(card=card), credits="50")
        make.record(make.event("a"), make.event("b", input_tokens=20_000))
        dearer = each_price(make.SEED_CARD, lambda price: price * Decimal("1.1"))

        backtest = backtest_on(draft(card, dearer))

        found = lines(backtest)
        assert {after / before for before, after in found.values()} == {Decimal("1.1")}
        assert report_backtest(backtest).whole.percent == 10

    def test_agree_with_fractions(self, customer: Customer) -> None:
        agree(customer, discount_percent=Decimal("12.5"))
        use_everything()

        backtest = backtest_on(
            draft(customer.plan.rate_card, RICH.replace("0.012", "0.015"))
        )

        def cost(tokens: int, multiplier: str = "1") -> Fraction:
            price = Fraction("0.015") / 3000 * Fraction(multiplier)
            return tokens * price * Fraction("0.875")

        # 1,083 tokens of each of three calls in the lower band, of one in the higher.
        outputs = cost(1083) * 2 + cost(1083, "1.8") * 2 + cost(1)
        reasoning = cost(7)
        assert Fraction(lines(backtest)[OUTPUT][1]) == outputs
        assert Fraction(lines(backtest)["text-gen-v3", "reasoning_tokens"][1]) == (
            reasoning
        )

    def test_apply_in_tiers_from_the_beginning_of_the_period(self) -> None:
        card = make.rate_card()
        make.customer(plan=make.plan(card=card), credits="50")
        make.record(make.event("early", input_tokens=1500, occurred_at=NOW - 3 * DAY))
        make.record(make.event("late", input_tokens=2000))

        backtest = backtest_on(draft(card, GRADUATED), start=NOW - DAY)

        # Of 1,500 that were used, 1,000 were paid: 1,000 are left in the first tier.
        assert lines(backtest)[INPUT] == row(Decimal("0.006"), Decimal("0.015"))
        assert backtest.events_done == 1

    def test_begin_anew_in_each_period(self) -> None:
        card = make.rate_card()
        make.customer(plan=make.plan(card=card), credits="50")
        month = timedelta(days=30)
        make.record(make.event("a", input_tokens=2500, occurred_at=NOW - month))
        make.record(make.event("b", input_tokens=2500))

        backtest = backtest_on(draft(card, GRADUATED), start=NOW - month)

        # Twice 2,000 at 0.01, and 500 free.
        assert lines(backtest)[INPUT][1] == Decimal("0.04")
        assert BacktestChunk.objects.count() == 2

    def test_of_no_charge_before_begin_at_nothing(self, customer: Customer) -> None:
        use_everything()
        text = RICH.replace("minimum_usd: 0.002\n", "").replace(
            "  - dimension: context_window",
            "  - {dimension: requests, unit: 1 request, price_usd: 1}\n"
            "  - dimension: context_window",
        )

        found = lines(backtest_on(draft(customer.plan.rate_card, text)))

        # The higher band counts for requests too: twice 1.8, and three times 1.
        assert found["text-gen-v3", "requests"] == row(0, Decimal("6.6"))
        assert found["text-gen-v3", "minimum"][1] == 0
        assert found["text-gen-v3", "minimum"][0] > 0


class TestTerms:
    def test_hold_from_their_date_on(self) -> None:
        card = make.rate_card()
        customer = make.customer(plan=make.plan(card=card), credits="50")
        agree(customer, discount_percent=Decimal(50), effective_from=NOW - DAY)
        make.record(
            make.event("full", occurred_at=NOW - 2 * DAY, input_tokens=1000),
            make.event("half", input_tokens=1000),
        )

        found = lines(backtest_on(draft(card, make.SEED_CARD.replace("0.003", "0.03"))))

        assert found[INPUT] == row(Decimal("0.0045"), Decimal("0.045"))

    def test_of_another_card_leave_other_models_to_the_plan(self) -> None:
        own = make.rate_card(OWN, code="own")
        plan = make.plan(card=make.rate_card(each_price(RICH, lambda _: Decimal(1))))
        agree(make.customer(plan=plan, credits="50"), rate_card=own)
        make.record(make.event())

        backtest = backtest_on(draft(own, OWN.replace("text-", "other-")))

        # The draft has lost the model, so that the plan's card prices it.
        assert lines(backtest)[INPUT] == row(Decimal("0.001236"), Decimal("0.412"))
        assert gaps(backtest) == []


def test_late_chunks_change_nothing_that_is_done(customer: Customer) -> None:
    use_everything()
    backtest, chunks = planned(customer.plan.rate_card.versions.get())

    for _ in range(2):
        for chunk_id in chunks:
            run_chunk(chunk_id=chunk_id, at=NOW)

    backtest.refresh_from_db()
    assert backtest.events_done == 7
    assert total(line.before for line in BacktestLine.objects.all()) == charged()
