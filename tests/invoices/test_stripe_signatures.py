"""Whether an event is Stripe's."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from invoices.payments import (
    SignedEvent,
)
from invoices.payments.standard_webhooks import ForgedWebhookError, StaleWebhookError
from invoices.payments.stripe import StripeProvider
from invoices.payments.stripe_events import UnreadableEventError
from tests import make
from tests.invoices.stripe_server import (
    SECRET,
    encode,
    event_of,
    sign,
)

BODY = encode(event_of("charge.refunded", {"fraction": 0.1}, event_id="evt_1"))


def verify(body: bytes, headers: dict[str, str]) -> SignedEvent:
    return StripeProvider().verify(headers=headers, body=body, at=make.NOW)


@pytest.mark.usefixtures("fake")
class TestVerify:
    def test_knows_what_stripe_signed(self) -> None:
        event = verify(BODY, sign(BODY, at=make.NOW))

        assert (event.event_id, event.kind) == ("evt_1", "charge.refunded")
        assert event.payload["api_version"] == "2026-10-28.endive"

    def test_keeps_fractions_exactly(self) -> None:
        event = verify(BODY, sign(BODY, at=make.NOW))

        assert event.payload["data"]["object"] == {"fraction": "0.1"}

    def test_takes_any_secret_while_one_is_replaced(self, settings: Settings) -> None:
        settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]

        for secret in ("whsec_new", SECRET):
            assert verify(BODY, sign(BODY, at=make.NOW, secret=secret)).event_id

    def test_takes_any_of_several_signatures(self) -> None:
        good = sign(BODY, at=make.NOW)["Stripe-Signature"].split(",")

        header = f"{good[0]},v1=bad,{good[1]},v0=x"
        assert verify(BODY, {"Stripe-Signature": header}).event_id == "evt_1"

    @pytest.mark.parametrize("secrets", [["whsec_another"], [""], []])
    def test_refuses_another_secret(
        self, settings: Settings, secrets: list[str]
    ) -> None:
        settings.STRIPE_WEBHOOK_SECRETS = secrets

        with pytest.raises(ForgedWebhookError):
            verify(BODY, sign(BODY, at=make.NOW))

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "t=1",
            "v1=2",
            "t=,v1=",
            "t=x,v1=y",
            "nonsense",
            "t=1,v1=é",
            "t=\uff11,v1=2",
        ],
    )
    def test_refuses_what_is_no_signature(self, header: str) -> None:
        with pytest.raises(ForgedWebhookError):
            verify(BODY, {"Stripe-Signature": header})

    def test_refuses_a_missing_signature(self) -> None:
        with pytest.raises(ForgedWebhookError):
            verify(BODY, {})

    def test_refuses_a_body_that_was_touched(self) -> None:
        headers = sign(BODY, at=make.NOW)

        for touched in (BODY + b" ", BODY.replace(b"evt_1", b"evt_2"), b"\xff", b""):
            with pytest.raises(ForgedWebhookError):
                verify(touched, headers)

    @pytest.mark.parametrize("seconds", [-300, 300])
    def test_takes_what_is_300_seconds_off(self, seconds: int) -> None:
        at = make.NOW + timedelta(seconds=seconds)

        assert verify(BODY, sign(BODY, at=at)).event_id == "evt_1"

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_refuses_what_is_301_seconds_off(self, seconds: int) -> None:
        at = make.NOW + timedelta(seconds=seconds)

        with pytest.raises(StaleWebhookError):
            verify(BODY, sign(BODY, at=at))

    def test_refuses_an_old_one_under_another_time(self) -> None:
        old = sign(BODY, at=make.NOW - timedelta(days=1))["Stripe-Signature"]
        now = int(make.NOW.timestamp())

        for forged in (f"{old},t={now}", f"t={now},{old}"):
            with pytest.raises((StaleWebhookError, ForgedWebhookError)):
                verify(BODY, {"Stripe-Signature": forged})

    @pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"id": 1, "type": "x"}'])
    def test_refuses_what_is_no_event(self, body: bytes) -> None:
        with pytest.raises(UnreadableEventError):
            verify(body, sign(body, at=make.NOW))
