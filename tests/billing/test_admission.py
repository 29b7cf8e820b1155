"""May this call run? What each kind of plan answers as credits run out."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Customer, LimitName, Plan
from billing.models.plans import AtZero, Mode
from billing.pricing.rating import Reason, UnratableError
from billing.pricing.yaml_form import parse_card
from billing.queries.admission import Call, Verdict
from billing.queries.allowances import CreditWarning
from billing.queries.callers import get_caller
from billing.services.admission import admit_call, release_call
from billing.services.rate_cards import create_rate_card, draft_version, publish_version
from tests import make
from tests.billing import dollars
from tests.billing.test_period_metering import PERIOD, images
from tests.make import NOW

pytestmark = pytest.mark.django_db
INSTANT = timedelta(microseconds=1)


def ask(
    customer: Customer,
    tokens: int = 0,
    *,
    model: str = dollars.MODEL,
    before: timedelta = timedelta(),
    **properties: Any,
) -> Verdict:
    """Ask, and give back what the call would hold."""
    caller = get_caller(customer.external_id)
    stated = {"input_tokens": 0, "output_tokens": tokens, **properties}
    call = Call(request_id=f"req_{make.unique()}", model=model, properties=stated)
    verdict = admit_call(caller=caller, call=call, at=NOW - before)
    release_call(caller=caller, request_id=call.request_id)
    return verdict


def answer(verdict: Verdict) -> tuple[bool, LimitName | None, CreditWarning | None]:
    return verdict.is_admitted, verdict.limit_source, verdict.warning


def refusal(customer: Customer, **asked: Any) -> Reason:
    with pytest.raises(UnratableError) as refused:
        ask(customer, **asked)
    return refused.value.reason


class TestAPrepaidPlanThatBlocks:
    def test_admits_the_call_that_takes_the_last_credit(self) -> None:
        assert answer(ask(dollars.customer(), 5)) == (True, None, None)

    def test_refuses_what_may_cost_more_than_is_left(self) -> None:
        verdict = ask(dollars.customer(), 6)

        assert answer(verdict) == (False, LimitName.ACCOUNT_CREDITS, None)
        assert make.row(verdict.estimate, verdict.available) == (6, 5)

    def test_lets_nothing_be_spent_beyond_its_credits(self) -> None:
        assert ask(dollars.customer(credit_limit="20"), 6).spendable == 5


class TestAPrepaidPlanThatWarns:
    def test_is_silent_while_credits_last(self) -> None:
        customer = dollars.customer(at_zero=AtZero.WARN)

        assert answer(ask(customer, 5)) == (True, None, None)

    @pytest.mark.parametrize("tokens", [6, 99_000])
    def test_admits_everything_and_says_that_credits_are_used_up(
        self, tokens: int
    ) -> None:
        customer = dollars.customer(at_zero=AtZero.WARN)

        verdict = ask(customer, tokens)

        assert answer(verdict) == (True, None, CreditWarning.CREDITS_EXHAUSTED)


@pytest.mark.parametrize(("mode", "at_zero"), dollars.BILLS)
class TestAPlanThatBillsUncoveredUsage:
    def test_is_silent_while_credits_last(self, mode: Mode, at_zero: AtZero) -> None:
        assert answer(ask(dollars.customer(mode, at_zero), 5)) == (True, None, None)

    @pytest.mark.parametrize("tokens", [6, 25])
    def test_admits_up_to_the_credit_limit_and_says_that_it_bills(
        self, mode: Mode, at_zero: AtZero, tokens: int
    ) -> None:
        verdict = ask(dollars.customer(mode, at_zero), tokens)

        assert answer(verdict) == (True, None, CreditWarning.OVERAGE)
        assert make.row(verdict.available, verdict.held) == (5, tokens)
        assert verdict.spendable == 25 - tokens

    def test_refuses_what_may_pass_the_credit_limit(
        self, mode: Mode, at_zero: AtZero
    ) -> None:
        verdict = ask(dollars.customer(mode, at_zero), 26)

        assert answer(verdict) == (False, LimitName.CREDIT_LIMIT, None)

    def test_counts_what_is_overdrawn_already(
        self, mode: Mode, at_zero: AtZero
    ) -> None:
        customer = dollars.customer(mode, at_zero)
        make.record(dollars.use(12))

        assert ask(customer, 13).is_admitted
        assert not ask(customer, 14).is_admitted


class TestLots:
    def test_that_have_expired_are_not_spendable_whatever_the_sweep_does(self) -> None:
        customer = dollars.customer(credits="0")
        make.lot(customer.wallet, "5", expires_at=NOW)

        assert ask(customer, 5, before=INSTANT).is_admitted
        assert not ask(customer, 5).is_admitted

    def test_that_have_not_begun_are_not_spendable(self) -> None:
        customer = dollars.customer(credits="0")
        make.lot(customer.wallet, "5", starts_at=NOW)

        assert not ask(customer, 5, before=INSTANT).is_admitted
        assert ask(customer, 5).is_admitted


class TestTheEstimate:
    def test_is_what_the_call_will_be_charged_at_most(self) -> None:
        customer = make.customer(credits="50")
        [outcome] = make.record(make.event())

        verdict = ask(customer, 1083, model="text-gen-v3", input_tokens=412)

        assert verdict.estimate == outcome.cost == Decimal("0.014232")
        assert verdict.currency == "USD"

    def test_is_by_the_customers_own_terms(self) -> None:
        customer = dollars.customer()
        make.terms(customer, discount="50")

        assert ask(customer, 4).estimate == 2

    def test_counts_what_the_period_has_used(self) -> None:
        customer = make.customer(plan=make.plan(card=make.rate_card(PERIOD)))
        make.record(images(14))

        # One more at 10, and the next tier costs 5.
        assert ask(customer, model="m", images=2).estimate == 10 + 5

    def test_counts_the_open_period_where_the_calls_own_is_closed(self) -> None:
        customer = make.customer(plan=make.plan(card=make.rate_card(PERIOD)))
        make.record(images(14))
        make.close_period(NOW + timedelta(days=30))

        # Five are free, but for what the first tier costs as such.
        assert ask(customer, model="m", images=5).estimate == 2

    def test_does_not_believe_that_the_call_has_failed(self) -> None:
        verdict = ask(dollars.customer(), input_tokens=3, status="error")

        assert verdict.estimate == 3


class TestWhatHasNoPrice:
    def test_an_unknown_model_is_refused(self) -> None:
        assert refusal(dollars.customer(), model="new") is Reason.UNKNOWN_MODEL

    def test_an_unpriced_dimension_is_refused(self) -> None:
        assert refusal(dollars.customer(), images=1) is Reason.UNPRICED_DIMENSION

    def test_a_card_that_is_not_in_force_is_refused(self) -> None:
        customer = dollars.customer()

        reason = refusal(customer, before=timedelta(days=500))

        assert reason is Reason.NO_VERSION


class TestPricesInAnotherCurrency:
    """Credits neither count for them nor pay for them."""

    @pytest.fixture
    def customer(self) -> Customer:
        card = create_rate_card(code="euros", name="Euros", currency="EUR")
        text = dollars.CARD.replace("price_usd", "price_eur")
        version = draft_version(rate_card=card, card=parse_card(text))
        publish_version(version=version, effective_from=NOW, by="ada", at=NOW)
        customer = dollars.customer()
        Plan.objects.filter(pk=customer.plan_id).update(rate_card=card)
        return customer

    def test_admit_nothing(self, customer: Customer) -> None:
        assert refusal(customer) is Reason.OTHER_CURRENCY

    def test_use_no_credits(self, customer: Customer) -> None:
        [outcome] = make.record(dollars.use(3))

        customer.wallet.refresh_from_db()
        assert outcome.code == Reason.OTHER_CURRENCY
        assert customer.wallet.balance == 5
