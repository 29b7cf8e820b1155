"""Signing and checking webhooks as Standard Webhooks 1.0.0 says. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from invoices.payments import WebhookError

TOLERANCE = timedelta(seconds=300)
_PREFIX = "whsec_"


class ForgedWebhookError(WebhookError):
    """The signature is missing, or was made with another secret or for another body."""


class StaleWebhookError(WebhookError):
    """The webhook was signed too long ago, or ahead of its time."""


class BadSecretError(Exception):
    """The secret is not `whsec_` and the base64 of some bytes."""


def sign(*, secret: str, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """Return the headers that prove who sent a body, and when.

    :raises BadSecretError: if nothing can be signed with the secret.
    """
    timestamp = str(int(at.timestamp()))
    signature = _signature(secret, message_id, timestamp, body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }


def verify(
    *, secret: str, headers: Mapping[str, str], body: bytes, at: datetime
) -> str:
    """Check who sent a body, and when; returns the message's id.

    :raises ForgedWebhookError: if no signature is right.
    :raises StaleWebhookError: if it was not signed within 300 seconds.
    :raises BadSecretError: if nothing can be checked with the secret.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    expected = _signature(secret, message_id, timestamp, body)
    # There are several while a secret is being replaced.
    given = headers.get("webhook-signature", "").split()
    if not any(_is_same(expected, each) for each in given):
        raise ForgedWebhookError(message_id)
    if not _is_recent(timestamp, at):
        raise StaleWebhookError(message_id)
    return message_id


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(_key(secret), content, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    # An empty key would let anyone sign.
    if not secret.startswith(_PREFIX) or secret == _PREFIX:
        message = f"the secret of a webhook begins with {_PREFIX}"
        raise BadSecretError(message)
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)


def _is_same(expected: str, given: str) -> bool:
    # As bytes, since text outside ASCII cannot be compared in constant time.
    return hmac.compare_digest(expected.encode(), given.encode())


def _is_recent(timestamp: str, at: datetime) -> bool:
    # It was signed, so it is a number.
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    return abs(at - signed_at) <= TOLERANCE
