"""What the client does when Tollgate hangs, is gone, or answers nonsense."""

import logging
import time
from typing import Any

import pytest

from ratelimits.enforcement.client import TollgateClient, WhenUnreachable
from tests.processes import free_port
from tests.ratelimits.test_client import ask
from tests.ratelimits.tollgate_fake import CUSTOMER, KEY, TollgateFake

# Far longer than any client here waits.
HANGS = 0.4
Faults = list[tuple[int, dict[str, Any] | None, dict[str, str]]]


def client_of(
    url: str, when_unreachable: WhenUnreachable = "refuse", **more: Any
) -> TollgateClient:
    options: dict[str, Any] = {"timeout": 0.1, "pause": 60} | more
    return TollgateClient(url, KEY, when_unreachable=when_unreachable, **options)


def test_refuses_by_503_if_nobody_listens() -> None:
    told = ask(client_of(f"http://127.0.0.1:{free_port()}"))

    assert (told.admitted, told.status, told.is_known) == (False, 503, False)
    assert told.headers == {"Retry-After": "1"}
    assert told.retry_after == 1
    assert told.problem["status"] == 503
    assert told.problem["type"].endswith("#temporary-reduced-capacity")
    assert told.limit_source is None


def test_admits_if_that_is_the_callers_choice() -> None:
    told = ask(client_of(f"http://127.0.0.1:{free_port()}", "admit"))

    assert (told.admitted, told.status, told.is_known) == (True, 200, False)
    assert (told.headers, told.problem) == ({}, {})
    assert not told.has_hold


def test_no_other_choice_is_taken() -> None:
    with pytest.raises(ValueError, match="admit or refuse"):
        client_of("http://127.0.0.1:9", "perhaps")  # type: ignore[arg-type]


class TestAHungTollgate:
    def test_costs_one_time_out(
        self, fake: TollgateFake, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        client = client_of(fake.url)
        fake.hanging = HANGS

        started = time.monotonic()
        told = [ask(client, f"req_{number}") for number in range(50)]
        took = time.monotonic() - started

        assert {each.status for each in told} == {503}
        assert len(fake.asked) == 1
        assert took < HANGS
        assert caplog.text.count("Tollgate does not answer") == 1
        client.close()

    def test_is_tried_again_after_a_pause(self, fake: TollgateFake) -> None:
        client = client_of(fake.url, pause=0.05)
        fake.hanging = HANGS
        ask(client)
        fake.hanging = 0

        time.sleep(0.06)
        told = [ask(client, f"req_{number}", max_output_tokens=0) for number in (1, 2)]

        assert [each.status for each in told] == [200, 200]
        client.close()

    def test_holds_up_no_release(self, fake: TollgateFake) -> None:
        client = client_of(fake.url)
        fake.hanging = HANGS

        assert not client.release("req_1", CUSTOMER)
        assert client.extend("req_1", CUSTOMER) is None
        assert len(fake.asked) == 1
        client.close()


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"status": 500, "code": "error"}, {}),
        (502, None, {}),
        (200, None, {}),
        (200, {"hello": 1}, {}),
        (307, None, {"Location": "/v1/admissions"}),
        (404, None, {}),
    ],
)
class TestAnAnswerThatIsNone:
    def test_refuses_by_503(
        self, fake: TollgateFake, tollgate: TollgateClient, answer: Any
    ) -> None:
        fake.answers = [answer]

        told = ask(tollgate)

        assert (told.admitted, told.status, told.is_known) == (False, 503, False)

    def test_admits_if_that_is_the_callers_choice(
        self, fake: TollgateFake, answer: Any
    ) -> None:
        fake.answers = [answer]
        client = client_of(fake.url, "admit", timeout=5)

        assert ask(client).admitted
        client.close()


def test_tollgate_says_itself_how_long_it_knows_nothing(
    fake: TollgateFake, tollgate: TollgateClient
) -> None:
    fake.answers = [(503, {"status": 503}, {"Retry-After": "4"})]

    told = ask(tollgate)

    assert (told.status, told.retry_after) == (503, 4)
    assert told.headers == {"Retry-After": "4"}


def test_a_fault_of_tollgate_opens_no_breaker(
    fake: TollgateFake, tollgate: TollgateClient
) -> None:
    fake.answers = [(500, None, {})]
    ask(tollgate)

    assert ask(tollgate).admitted


def test_a_tollgate_that_is_cut_off_again_is_not_asked_a_third_time(
    fake: TollgateFake, tollgate: TollgateClient
) -> None:
    fake.cut = 9

    assert ask(tollgate).status == 503
    assert len(fake.asked) == 2
