"""`/v1/customers/{id}/alerts`."""

from typing import Any

import pytest

from billing.models import BalanceAlert
from billing.services.customers import CREDITS_BUY, USAGE_READ, issue_api_key
from tests import make
from tests.billing.alerting import use
from tests.http import buying_key, get, pointers, put

pytestmark = pytest.mark.django_db
PATH = "/v1/customers/cus_abc123/alerts"


class TestAlerts:
    def test_are_replaced_and_read_back(self) -> None:
        make.customer(credits="10")

        answer = put(PATH, {"thresholds": ["2.50", "8"]})
        use("a")

        assert answer.status_code == 200
        assert answer.json()["thresholds"] == ["8", "2.5"]
        body = get(PATH).json()
        assert (body["customer_id"], body["currency"]) == ("cus_abc123", "USD")
        states: list[dict[str, Any]] = body["alerts"]
        assert [(each["threshold"], each["is_armed"]) for each in states] == [
            ("8", False),
            ("2.5", True),
        ]
        assert states[0]["crossings"] == 1
        assert states[0]["crossed_at"] == "2026-11-15T12:00:00Z"

    def test_are_put_by_a_customers_own_key(self) -> None:
        customer = make.customer()

        answer = put(PATH, {"thresholds": ["8"]}, key=buying_key(customer))

        assert answer.status_code == 200
        assert BalanceAlert.objects.get().customer == customer

    def test_of_nothing_are_none(self) -> None:
        make.customer()
        put(PATH, {"thresholds": ["8"]})

        assert put(PATH, {"thresholds": []}).json()["alerts"] == []
        assert not BalanceAlert.objects.exists()

    @pytest.mark.parametrize(
        "wrong", [8, 2.5, None, "-1", "NaN", "1e3", "", "\uff11", " 8", "8.", {}, ["8"]]
    )
    def test_name_the_threshold_that_is_wrong(self, wrong: object) -> None:
        make.customer()

        answer = put(PATH, {"thresholds": ["5", wrong]})

        assert answer.status_code == 400
        assert pointers(answer)[0].startswith("#/thresholds/1")
        assert not BalanceAlert.objects.exists()

    def test_out_of_bounds_make_no_sense(self) -> None:
        make.customer()

        answer = put(PATH, {"thresholds": ["1000000000.01"]})

        assert answer.status_code == 422
        assert pointers(answer)[0].startswith("#/thresholds")

    def test_are_ten_at_most(self) -> None:
        make.customer()

        assert put(PATH, {"thresholds": list(map(str, range(11)))}).status_code == 400
        assert put(PATH, {"thresholds": list(map(str, range(10)))}).status_code == 200

    @pytest.mark.parametrize("body", ["{}", "[]", "{", '{"thresholds": ["1"], "x": 1}'])
    def test_want_a_list_and_nothing_else(self, body: str) -> None:
        make.customer()

        assert put(PATH, body).status_code == 400

    def test_of_another_customer_are_absent(self) -> None:
        make.customer()
        other = make.customer(external_id="cus_other")
        key = buying_key(other)

        assert put(PATH, {"thresholds": ["8"]}, key=key).status_code == 404
        assert get(PATH, key=make.customer_key(other)).status_code == 404
        assert put("/v1/customers/x/alerts", {"thresholds": []}).status_code == 404

    def test_need_the_scope(self) -> None:
        make.customer()
        reader = issue_api_key(name="reader", scopes=[USAGE_READ]).secret
        buyer = issue_api_key(name="buyer", scopes=[CREDITS_BUY]).secret

        assert put(PATH, {"thresholds": ["8"]}, key=reader).status_code == 403
        assert get(PATH, key=buyer).status_code == 403
