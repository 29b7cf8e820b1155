"""In which period, and out of which quarantine, an event is taken back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.models import (
    Charge,
    Customer,
    FundingRollup,
    QuarantinedEvent,
    RateCard,
    UsageRollup,
)
from billing.services.events import Status
from billing.services.quarantine import retry_quarantined
from tests import audit, make
from tests.billing.test_voids import assert_all_is_taken_back

pytestmark = pytest.mark.django_db
COST = Decimal("0.014232")
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
IN_OCTOBER = NOVEMBER - timedelta(days=2)


class TestPeriod:
    def october(self) -> Customer:
        customer = make.customer(credits="50")
        make.record(make.event(occurred_at=IN_OCTOBER))
        return customer

    def test_is_the_events_own_while_that_is_open(self) -> None:
        made = make.void(self.october()).correction

        assert made.period_start == OCTOBER
        assert set(Charge.objects.values_list("corrects", flat=True)) == {None}

    def test_is_the_open_one_once_that_is_closed(self) -> None:
        customer = self.october()
        make.close_period(NOVEMBER)

        made = make.void(customer).correction

        back = Charge.objects.filter(correction_id=made.pk)
        assert made.period_start == NOVEMBER
        assert set(back.values_list("period_start", "corrects", "occurred_at")) == {
            (NOVEMBER, OCTOBER, IN_OCTOBER)
        }
        rollups = UsageRollup.objects.filter(period_start=NOVEMBER)
        assert set(rollups.values_list("corrects", "calls")) == {(OCTOBER, -1)}
        assert FundingRollup.objects.get(period_start=NOVEMBER).amount == -COST
        assert audit.differences() == []

    def test_of_a_late_event_is_the_one_it_is_billed_in(self) -> None:
        customer = make.customer(credits="50")
        make.close_period(NOVEMBER)
        make.record(make.event(occurred_at=IN_OCTOBER))

        made = make.void(customer).correction

        assert made.period_start == NOVEMBER
        assert set(Charge.objects.values_list("corrects", flat=True)) == {None}
        assert audit.differences() == []

    def test_of_a_late_event_whose_period_is_closed_names_that(self) -> None:
        customer = make.customer(credits="50")
        make.close_period(NOVEMBER)
        make.record(make.event(occurred_at=IN_OCTOBER))
        december = datetime(2026, 12, 1, tzinfo=UTC)
        make.close_period(december)

        made = make.void(customer).correction

        back = Charge.objects.filter(correction_id=made.pk)
        assert set(back.values_list("period_start", "corrects")) == {
            (december, NOVEMBER)
        }
        assert audit.differences() == []


class TestQuarantine:
    def quarantined(self) -> tuple[Customer, RateCard]:
        customer = make.customer(credits="50")
        make.record(make.event(model="unheard-of"))
        return customer, customer.plan.rate_card

    def test_voided_there_is_never_priced(self) -> None:
        customer, card = self.quarantined()

        made = make.void(customer)

        text = make.SEED_CARD.replace("text-gen-v3", "unheard-of")
        make.published_version(card, text, effective_from=make.NOW - timedelta(hours=1))
        assert retry_quarantined(received_at=make.NOW).recorded == 0
        assert make.row(made.correction.amount, made.balance) == (0, 50)
        assert QuarantinedEvent.objects.get().resolved_at == make.NOW
        assert audit.differences() == []

    def test_voided_again_is_the_first_void(self) -> None:
        customer, _ = self.quarantined()

        assert make.void(customer) == make.void(customer)

    def test_voided_is_answered_as_before(self) -> None:
        customer, _ = self.quarantined()
        make.void(customer)

        [again] = make.record(make.event(model="unheard-of"))

        assert (again.status, again.code) == (Status.DUPLICATE, "unknown_model")

    def test_left_again_is_voided_as_any_event(self) -> None:
        customer, card = self.quarantined()
        text = make.SEED_CARD.replace("text-gen-v3", "unheard-of")
        make.published_version(card, text, effective_from=make.NOW - timedelta(hours=1))
        retry_quarantined(received_at=make.NOW)

        assert_all_is_taken_back(customer)
