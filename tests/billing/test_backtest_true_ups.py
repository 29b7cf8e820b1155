"""What periods cost in the end, in a backtest: on both sides, and once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Backtest, BacktestChunk, BacktestLine, Customer, TrueUp
from billing.queries.backtests import report_backtest
from billing.services.backtest_chunks import run_chunk
from billing.services.events import PostedEvent
from invoices.services.runs import invoice_period
from ledger.money import total
from tests import make
from tests.billing.backtesting import backtest_on, draft, lines, planned
from tests.invoices.state import NOVEMBER
from tests.make import NOW, row

pytestmark = pytest.mark.django_db
LATER = NOVEMBER.end + timedelta(days=5)
VOLUME = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    per_period: volume
    tiers:
      - up_to: 10
        price_usd: 10
      - price_usd: 5
        flat_usd: 2
"""
BOUNDED = """\
  - dimension: pages
    unit: 1 page
    free_per_period: 1
    minimum_per_period_usd: 40
    price_usd: 1
  - dimension: searches
    unit: 1 search
    maximum_per_period_usd: 5
    price_usd: 1
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.02
  - dimension: context_window
    tiers:
      - max_tokens: 100
        multiplier: 1
      - multiplier: 1.7
"""
FLAT = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    price_usd: 6
"""
TRUE_UP = ("m", "images, true-up")


def customer_on(text: str) -> Customer:
    made = make.customer(plan=make.plan(card=make.rate_card(text)), credits="5000")
    # As long ago as its card.
    Customer.objects.update(recorded_at=NOW - timedelta(days=90))
    made.refresh_from_db()
    return made


def use(*properties: dict[str, int], **fields: object) -> None:
    make.record(
        *(
            replace(_event(), properties={"model": "m", **each}, **fields)  # type: ignore[arg-type]
            for each in properties
        )
    )


def _event() -> PostedEvent:
    return make.event(f"call-{make.unique()}")


def month(customer: Customer, text: str = "") -> Backtest:
    card = customer.plan.rate_card
    version = draft(card, text) if text else card.versions.get()
    return backtest_on(version, start=NOVEMBER.start, end=NOVEMBER.end)


def close(customer: Customer) -> Decimal:
    invoice = invoice_period(customer=customer, period=NOVEMBER, at=LATER)
    return invoice.total if invoice else Decimal(0)


def whole(backtest: Backtest) -> tuple[Decimal, Decimal]:
    change = report_backtest(backtest).whole
    return change.before, change.after


class TestTheSamePrices:
    @pytest.fixture
    def customer(self) -> Customer:
        made = customer_on(VOLUME + BOUNDED)
        early = {"images": 4, "input_tokens": 0}, {"images": 5, "pages": 7}
        use(*early, occurred_at=NOW - timedelta(hours=2))
        make.terms(made, discount="10", effective_from=NOW - timedelta(hours=1))
        use({"images": 8, "searches": 9, "input_tokens": 200}, {"images": 3})
        return made

    def test_differ_on_no_line_while_the_period_is_open(
        self, customer: Customer
    ) -> None:
        backtest = month(customer)

        found = lines(backtest)
        assert {before - after for before, after in found.values()} == {0}
        assert {name for _, name in found if "true-up" in name} == {
            "images, true-up",
            "pages, true-up",
            "searches, true-up",
        }

    def test_are_what_was_invoiced_once_it_is_closed(self, customer: Customer) -> None:
        invoiced = close(customer)

        assert TrueUp.objects.count() >= 3
        before, after = whole(month(customer))
        assert before == after
        assert round(before, 2) == invoiced

    def test_charge_a_tiers_flat_price_where_all_units_were_free(self) -> None:
        text = VOLUME.replace("    tiers", "    free_per_period: 5\n    tiers")
        flat = "price_usd: 10\n        flat_usd: 3"
        customer = customer_on(text.replace("price_usd: 10", flat))
        use({"images": 2}, {"images": 3})

        assert whole(month(customer)) == row(3, 3)
        assert close(customer) == 3
        assert whole(month(customer)) == row(3, 3)

    def test_say_that_a_least_is_owed_unused(self) -> None:
        customer = customer_on(VOLUME + BOUNDED)

        assert whole(month(customer)) == row(40, 40)
        assert close(customer) == 40
        assert whole(month(customer)) == row(40, 40)


class TestOtherPrices:
    def test_without_tiers_are_dearer_than_what_was_given_back(self) -> None:
        customer = customer_on(VOLUME)
        use({"images": 10}, {"images": 5})
        invoiced = close(customer)

        backtest = month(customer, FLAT)

        assert invoiced == 77
        assert lines(backtest) == {
            ("m", "images"): row(125, 90),
            TRUE_UP: row(-48, 0),
        }
        assert whole(backtest) == row(77, 90)

    def test_by_volume_are_trued_up_by_all_units(self) -> None:
        customer = customer_on(FLAT)
        use({"images": 10}, {"images": 5})

        backtest = month(customer, VOLUME)

        assert lines(backtest) == {
            ("m", "images"): row(90, 125),
            TRUE_UP: row(0, -48),
        }

    def test_have_a_least_and_a_most(self) -> None:
        customer = customer_on(FLAT)
        use({"images": 2})
        text = FLAT.replace("    price", "    minimum_per_period_usd: 20\n    price")
        least = month(customer, text)
        most = month(customer, text.replace("minimum", "maximum").replace("20", "9"))

        assert lines(least)[TRUE_UP] == row(0, 8)
        assert lines(most)[TRUE_UP] == row(0, -3)

    def test_with_a_least_are_owed_by_everyone_on_the_card(self) -> None:
        customer = customer_on(FLAT)
        use({"images": 2})
        other = make.customer(external_id="cus_idle", plan=customer.plan)
        Customer.objects.filter(pk=other.pk).update(recorded_at=NOW)
        make.customer(external_id="cus_elsewhere")
        text = FLAT.replace("    price", "    minimum_per_period_usd: 20\n    price")

        report = report_backtest(month(customer, text))

        assert {each.external_id: each.after for each in report.customers} == {
            "cus_abc123": 20,
            "cus_idle": 20,
        }

    def test_of_a_card_of_ones_own_are_owed_instead_of_the_plans(self) -> None:
        customer = customer_on(VOLUME + BOUNDED)
        make.terms(customer, card=make.rate_card(FLAT))

        assert whole(month(customer)) == row(0, 0)

    def test_are_not_owed_by_who_has_left_the_card(self) -> None:
        customer = customer_on(VOLUME + BOUNDED)
        use({"images": 1})
        card = customer.plan.rate_card.versions.get()
        Customer.objects.update(plan=make.plan())

        backtest = backtest_on(card, start=NOVEMBER.start, end=NOVEMBER.end)

        assert whole(backtest) == row(10, 10)


class TestPeriods:
    def test_that_are_cut_are_not_trued_up(self) -> None:
        customer = customer_on(VOLUME + BOUNDED)
        use({"images": 10}, {"images": 5})
        card = customer.plan.rate_card.versions.get()

        cut = backtest_on(
            card, start=NOVEMBER.start + timedelta(hours=1), end=NOVEMBER.end
        )

        assert lines(cut) == {("m", "images"): row(125, 125)}
        assert report_backtest(cut).cuts_true_ups
        assert not report_backtest(month(customer)).cuts_true_ups

    def test_that_have_not_begun_are_not_trued_up(self) -> None:
        customer = customer_on(VOLUME + BOUNDED)
        version = customer.plan.rate_card.versions.get()

        backtest = backtest_on(
            version, start=NOVEMBER.start, end=NOVEMBER.end + timedelta(days=100)
        )

        assert whole(backtest) == row(40, 40)

    def test_before_the_customer_came_are_not_trued_up(self) -> None:
        customer = customer_on(VOLUME + BOUNDED)
        Customer.objects.update(recorded_at=NOVEMBER.end)

        assert whole(month(customer)) == row(0, 0)

    @pytest.mark.parametrize("text", [VOLUME, FLAT])
    def test_are_trued_up_once_whoever_does_it_again(self, text: str) -> None:
        customer = customer_on(VOLUME)
        use({"images": 10}, {"images": 5})
        version = draft(customer.plan.rate_card, text)
        _, chunks = planned(version, start=NOVEMBER.start, end=NOVEMBER.end)

        for _ in range(2):
            for chunk_id in chunks:
                run_chunk(chunk_id=chunk_id, at=NOW)

        assert total(line.before for line in BacktestLine.objects.all()) == 77
        assert BacktestChunk.objects.count() == (1 if text == VOLUME else 2)
