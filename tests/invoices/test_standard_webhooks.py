from datetime import UTC, datetime, timedelta

import pytest

from invoices.payments.standard_webhooks import (
    BadSecretError,
    ForgedWebhookError,
    StaleWebhookError,
    sign,
    verify,
)

# The example of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)
HEADERS = {
    "webhook-id": MESSAGE_ID,
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def check(*, at: datetime = AT, body: bytes = BODY, **headers: str) -> str:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return verify(secret=SECRET, headers=HEADERS | changed, body=body, at=at)


def test_signs_as_the_specification_does() -> None:
    assert sign(secret=SECRET, message_id=MESSAGE_ID, body=BODY, at=AT) == HEADERS


def test_takes_what_is_signed() -> None:
    assert check() == MESSAGE_ID


def test_takes_one_good_signature_among_several() -> None:
    several = f"v1a,abc v1,bm90IGl0 {HEADERS['webhook-signature']}"

    assert check(webhook_signature=several) == MESSAGE_ID


@pytest.mark.parametrize(
    "forged", ["", "v1,", "v1,bm90IGl0", "g0hM9SsE", "v1,ünïcode", "v2,g0hM9SsE"]
)
def test_refuses_a_wrong_signature(forged: str) -> None:
    with pytest.raises(ForgedWebhookError):
        check(webhook_signature=forged)


def test_refuses_another_body() -> None:
    with pytest.raises(ForgedWebhookError):
        check(body=b'{"test": 1}')


def test_refuses_another_id_or_time() -> None:
    with pytest.raises(ForgedWebhookError):
        check(webhook_id="msg_other")
    with pytest.raises(ForgedWebhookError):
        check(webhook_timestamp="1614265331")


@pytest.mark.parametrize("seconds", [-300, 300])
def test_takes_what_was_signed_within_five_minutes(seconds: int) -> None:
    assert check(at=AT + timedelta(seconds=seconds)) == MESSAGE_ID


@pytest.mark.parametrize("seconds", [-301, 301])
def test_refuses_what_was_signed_at_another_time(seconds: int) -> None:
    with pytest.raises(StaleWebhookError):
        check(at=AT + timedelta(seconds=seconds))


def test_refuses_a_body_without_headers() -> None:
    with pytest.raises(ForgedWebhookError):
        verify(secret=SECRET, headers={}, body=BODY, at=AT)


@pytest.mark.parametrize("secret", ["", "whsec_", "plain text"])
def test_signs_nothing_without_a_secret(secret: str) -> None:
    with pytest.raises(BadSecretError):
        sign(secret=secret, message_id=MESSAGE_ID, body=BODY, at=AT)
