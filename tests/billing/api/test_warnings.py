"""What the answers of `/v1/events` and `/balance` say as credits run out."""

from typing import Any

import pytest

from billing.models.plans import AtZero, Mode
from tests import make
from tests.billing import dollars
from tests.http import Answer, event, get, post

pytestmark = pytest.mark.django_db
HEADER = "Tollgate-Warning"


def use(amount: int, key: str = "req_1", customer: str = "cus_abc123") -> Any:
    properties = {"model": dollars.MODEL, "output_tokens": amount}
    return event(key, customer_id=customer, properties=properties)


class TestAnEvent:
    def test_within_the_credits_warns_of_nothing(self) -> None:
        dollars.customer()

        answer = post(use(5))

        assert "warning" not in answer.json()
        assert HEADER not in answer.headers

    @pytest.mark.parametrize(
        ("mode", "amount", "warning"),
        [
            (Mode.PREPAID, 6, "credits_exhausted"),
            (Mode.HYBRID, 26, "credit_limit_exceeded"),
        ],
    )
    def test_beyond_them_is_recorded_with_a_warning(
        self, mode: Mode, amount: int, warning: str
    ) -> None:
        dollars.customer(mode)

        answer = post(use(amount))

        assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
        assert answer.json()["warning"] == answer.headers[HEADER] == warning

    def test_of_a_batch_warns_by_itself_and_each_word_heads_it_once(self) -> None:
        prepaid, hybrid = dollars.customer(), make.customer(external_id="cus_hybrid")
        hybrid.plan = make.plan(card=prepaid.plan.rate_card, mode=Mode.HYBRID)
        hybrid.save(update_fields=["plan"])

        answer = post(
            [use(5, "a"), use(1, "b"), use(1, "c"), use(1, "d", "cus_hybrid")]
        )

        warnings = [each.get("warning") for each in answer.json()["events"]]
        assert warnings[:3] == [None, "credits_exhausted", "credits_exhausted"]
        assert warnings[3] == "credit_limit_exceeded"
        assert answer.headers[HEADER] == "credit_limit_exceeded, credits_exhausted"

    def test_posted_again_warns_again(self) -> None:
        dollars.customer()
        first = post(use(6)).json()

        answer = post(use(6))

        assert answer.json() == first | {"status": "duplicate"}
        assert answer.headers[HEADER] == "credits_exhausted"


def balance() -> dict[str, Any]:
    answer: Answer = get("/v1/customers/cus_abc123/balance")
    told: dict[str, Any] = answer.json()
    return told


class TestABalance:
    def test_says_what_happens_when_credits_run_out(self) -> None:
        dollars.customer(Mode.HYBRID, AtZero.WARN)

        told = balance()

        assert (told["mode"], told["at_zero"]) == ("hybrid", "warn")
        assert (told["credit_limit"], told["available"]) == ("20", "5")
        assert (told["spendable"], told["warning"]) == ("25", None)

    @pytest.mark.parametrize(
        ("mode", "used", "spendable", "warning"),
        [
            (Mode.PREPAID, 5, "0", None),
            (Mode.PREPAID, 6, "-1", "credits_exhausted"),
            (Mode.HYBRID, 5, "20", None),
            (Mode.HYBRID, 12, "13", "overage"),
            (Mode.HYBRID, 25, "0", "overage"),
            (Mode.HYBRID, 26, "-1", "credit_limit_exceeded"),
        ],
    )
    def test_warns_as_it_goes_down(
        self, mode: Mode, used: int, spendable: str, warning: str | None
    ) -> None:
        dollars.customer(mode)
        make.record(dollars.use(used))

        told = balance()

        assert (told["spendable"], told["warning"]) == (spendable, warning)
