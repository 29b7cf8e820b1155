"""What counts against the rates of a customer whose calls are admitted, and when."""

import pytest

from billing.models import Customer
from tests import make
from tests.billing import dollars
from tests.billing.api.asking import ask, left, use
from tests.billing.limiting import limit
from tests.http import release

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """Return a customer that credits refuse nothing for a long time."""
    customer = dollars.customer(credits="100000")
    limit(customer, rpm=2, tpm=20)
    return customer


class TestEdgeCase58TokensAreReservedAndThenCorrected:
    """TPM when the output size is unknown."""

    @pytest.mark.usefixtures("customer")
    def test_what_was_not_used_comes_back(self) -> None:
        ask(1, tokens=20)

        use(1, 3)

        assert left(ask(2, tokens=7)) == 10

    @pytest.mark.usefixtures("customer")
    def test_what_was_used_beyond_counts_too(self) -> None:
        ask(1, tokens=5)

        use(1, 18)

        answer = ask(2, tokens=5)
        assert (answer.status_code, left(answer)) == (429, 2)

    @pytest.mark.usefixtures("customer")
    def test_it_is_corrected_once(self) -> None:
        ask(1, tokens=20)

        for _ in range(3):
            use(1, 15)

        assert left(ask(2, tokens=1)) == 4

    def test_many_at_once_do_not_pass_on_one_stale_count(
        self, customer: Customer
    ) -> None:
        limit(customer, rpm=60, tpm=20)

        codes = [ask(number, tokens=8).status_code for number in range(5)]

        assert codes == [200, 200, 429, 429, 429]

    @pytest.mark.usefixtures("customer")
    def test_a_release_gives_tokens_back_and_no_request(self) -> None:
        ask(1, tokens=20)

        release("req_1")

        answer = ask(2, tokens=20)
        assert (answer.status_code, left(answer, "requests")) == (200, 0)


class TestEdgeCase59AWindowDoesNotMoveWithTheLastWrite:
    def test_a_refusal_never_puts_off_when_more_is_there(
        self, customer: Customer
    ) -> None:
        limit(customer, rpm=60, tpm=600)
        ask(1, tokens=600)
        first = int(ask(2, tokens=600).headers["Retry-After"])

        again = [int(ask(2, tokens=600).headers["Retry-After"]) for _ in range(20)]

        assert max(again) <= first


class TestEdgeCase60OneClockDecides:
    def test_a_server_whose_clock_is_wrong_changes_nothing(
        self, customer: Customer
    ) -> None:
        # The web server's clock stands still, far from that of Redis.
        limit(customer, rpm=60_000, tpm=60_000)
        ask(1, tokens=60_000)

        answers = [ask(2, tokens=1) for _ in range(20)]

        assert 200 in [answer.status_code for answer in answers]


class TestEdgeCase61ATierIsChangedInTheMiddleOfAMinute:
    def test_more_applies_at_once_and_what_was_used_stays(
        self, customer: Customer
    ) -> None:
        ask(1, tokens=15)
        assert ask(2, tokens=10).status_code == 429

        customer.plan.rate_limit_policy = make.policy(rpm=60, tpm=40)
        customer.plan.save()

        answer = ask(2, tokens=10)
        assert (answer.status_code, left(answer), left(answer, "requests")) == (
            *(200, 15),
            58,
        )

    def test_less_applies_at_once_too(self, customer: Customer) -> None:
        ask(1, tokens=15)

        limit(customer, rpm=2, tpm=16)

        assert left(ask(2, tokens=10)) == 1

    def test_the_same_call_is_answered_alike_again(self, customer: Customer) -> None:
        first = ask(1, tokens=15)

        limit(customer, rpm=1, tpm=10)
        again = ask(1, tokens=15)

        assert again.status_code == 200
        assert again.json() == first.json() | {"replayed": True}
        assert left(again) == 0
