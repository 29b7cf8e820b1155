"""Alerts of low credits: what customers set, and when they are told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import BalanceAlert, Notice, UsageEvent
from billing.queries.alerts import list_alerts
from billing.services.alerts import (
    LARGEST_THRESHOLD,
    ThresholdError,
    add_alert,
    remove_alert,
    set_alerts,
)
from billing.services.grants import give_credits
from ledger.models import Source, Wallet
from tests import audit, make
from tests.billing.alerting import alert, call, told, use, watched
from tests.make import NOW
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db


def count_queries(key: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        use(key)
    return len(queries)


class TestSetAlerts:
    def test_watches_below_the_highest_threshold(self) -> None:
        customer = make.customer(credits="10")

        alerts = alert(customer, "5", "2.50", "8")

        assert [each.threshold for each in alerts] == [8, 5, Decimal("2.5")]
        assert watched(customer) == 8

    def test_replaces_what_was_set_and_keeps_the_state_of_what_stays(self) -> None:
        customer = make.customer(credits="10")
        alert(customer, "8", "5")
        use("a")

        kept, _ = alert(customer, "8", "4")

        assert (kept.is_armed, kept.crossings) == (False, 1)
        assert watched(customer) == 4
        assert told(customer) == ["8"]

    def test_of_nothing_stops_watching(self) -> None:
        customer = make.customer(credits="10")
        alert(customer, "8")

        assert alert(customer) == []
        assert watched(customer) is None

    def test_waits_where_credits_are_lower_already(self) -> None:
        customer = make.customer(credits="5")

        [made] = alert(customer, "8")
        use("a")

        assert not made.is_armed
        assert watched(customer) is None
        assert told(customer) == []

    @pytest.mark.parametrize("wrong", ["-1", "NaN", "1e-19", "Infinity", "1e10"])
    def test_refuses_what_is_out_of_bounds(self, wrong: str) -> None:
        customer = make.customer()

        with pytest.raises(ThresholdError):
            alert(customer, "5", wrong)

        assert not BalanceAlert.objects.exists()

    def test_takes_what_is_just_within_bounds(self) -> None:
        alerts = alert(make.customer(), "0", str(LARGEST_THRESHOLD))

        assert [each.threshold for each in alerts] == [LARGEST_THRESHOLD, 0]

    def test_takes_ten_and_no_more(self) -> None:
        customer = make.customer()
        amounts = [Decimal(number) for number in range(11)]

        with pytest.raises(ThresholdError, match="10"):
            set_alerts(customer=customer, thresholds=amounts, at=NOW)

        assert len(alert(customer, *map(str, amounts[:10]))) == 10

    def test_is_added_to_and_taken_from_one_by_one(self) -> None:
        customer = make.customer(credits="10")

        added = [
            add_alert(customer=customer, threshold=Decimal(amount), at=NOW)
            for amount in ("5", "8", "5.0")
        ]
        removed = [
            remove_alert(customer=customer, threshold=Decimal(amount), at=NOW)
            for amount in ("8.00", "8")
        ]

        assert (added, removed) == ([True, True, False], [True, False])
        assert [each.threshold for each in list_alerts(customer=customer)] == [5]
        assert watched(customer) == 5


class TestADebit:
    def test_below_a_threshold_is_told_at_once(self) -> None:
        customer = make.customer(credits="10")
        crossed, _ = alert(customer, "8", "5")

        use("a")

        notice = Notice.objects.get()
        assert notice.reference == f"alert:{crossed.pk}:1"
        assert notice.facts == {
            "threshold": "8",
            "thresholds": ["8"],
            "available": "7",
            "crossed_at": NOW.isoformat(),
        }
        assert watched(customer) == 5

    def test_to_the_threshold_is_not_below_it(self) -> None:
        customer = make.customer(credits="10")
        alert(customer, "7")

        use("a")
        assert told(customer) == []

        use("b")
        assert told(customer) == ["7"]

    def test_is_told_once_however_far_it_goes_on(self) -> None:
        customer = make.customer(credits="10")
        alert(customer, "8")

        use("a", "b", "c", "d")

        assert told(customer) == ["8"]

    def test_that_crosses_several_at_once_is_told_in_one_mail(self) -> None:
        customer = make.customer(credits="10")
        _, crossed, _ = alert(customer, "9", "8", "1")

        use("a")

        notice = Notice.objects.get()
        assert notice.reference == f"alert:{crossed.pk}:1"
        assert notice.facts["threshold"] == "8"
        assert told(customer) == ["9", "8"]
        assert set(BalanceAlert.objects.values_list("crossings", flat=True)) == {0, 1}
        assert watched(customer) == 1

    def test_of_a_repeated_event_tells_nothing(self) -> None:
        customer = make.customer(credits="10")
        alert(customer, "8")
        use("a")
        give_credits(
            customer=customer,
            source=Source.PROMOTION,
            amount=Decimal(5),
            reference="gift",
            actor="ada",
            at=NOW,
        )

        use("a")

        assert told(customer) == ["8"]

    def test_after_credits_came_is_told_anew(self) -> None:
        customer = make.customer(credits="10")
        [crossed] = alert(customer, "8")
        use("a")

        give_credits(
            customer=customer,
            source=Source.PROMOTION,
            amount=Decimal(1),
            reference="gift",
            actor="ada",
            at=NOW,
        )
        assert watched(customer) == 8
        use("b")

        references = Notice.objects.order_by("pk").values_list("reference", flat=True)
        assert list(references) == [f"alert:{crossed.pk}:{n}" for n in (1, 2)]

    def test_goes_unnoticed_while_credits_came_for_less_than_the_threshold(
        self,
    ) -> None:
        customer = make.customer(credits="10")
        alert(customer, "8")
        use("a")

        give_credits(
            customer=customer,
            source=Source.PROMOTION,
            amount=Decimal("0.99"),
            reference="gift",
            actor="ada",
            at=NOW,
        )
        use("b")

        assert told(customer) == ["8"]

    def test_above_all_alerts_costs_no_query(self) -> None:
        customer = make.customer(credits="10")
        use("warm")
        without = count_queries("a")
        alert(customer, "1")

        assert count_queries("b") == without

    def test_is_undone_if_the_notice_cannot_be_written(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        customer = make.customer(credits="10")
        alert(customer, "8")
        monkeypatch.setattr("billing.services.alerts.write_notice", _fail)

        with pytest.raises(ZeroDivisionError):
            use("a")

        assert not UsageEvent.objects.exists()
        assert BalanceAlert.objects.get().is_armed

    def test_of_another_customer_in_the_batch_is_theirs(self) -> None:
        first = make.customer(credits="10")
        second = make.customer(external_id="cus_other", credits="10")
        alert(first, "8")
        alert(second, "5")

        make.record(call("a"), call("b", customer="cus_other"))

        assert (told(first), told(second)) == (["8"], [])

    def test_received_later_counts_what_has_expired_meanwhile(self) -> None:
        customer = make.customer(credits="10")
        make.lot(customer.wallet, "10", expires_at=NOW + timedelta(days=1))
        alert(customer, "12")

        make.record(call("a"), at=NOW + timedelta(days=2))

        assert Notice.objects.get().facts["available"] == "10"

    def test_that_waited_for_the_wallet_counts_what_was_granted_meanwhile(self) -> None:
        customer = make.customer(credits="10")
        alert(customer, "8")
        make.lot(customer.wallet, "5", starts_at=NOW + timedelta(seconds=1))

        use("a")

        assert told(customer) == []
        assert watched(customer) == 8


@pytest.mark.django_db(transaction=True)
def test_fifty_debits_at_once_cross_each_threshold_once() -> None:
    customer = make.customer(credits="150")
    alert(customer, "100", "40")
    calls = [lambda key=f"req_{n}": make.record(call(key)) for n in range(50)]

    results = run_at_once(calls)

    assert {outcome.status for [outcome] in results} == {"accepted"}
    assert Wallet.objects.get(pk=customer.wallet_id).balance == 0
    assert sorted(told(customer)) == ["100", "40"]
    assert set(BalanceAlert.objects.values_list("crossings", flat=True)) == {1}
    assert watched(customer) is None
    assert audit.differences() == []


def _fail(**_: object) -> None:
    raise ZeroDivisionError
