"""What the metering services take and answer. No wire format is known here."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from billing import exact_json
from billing.queries.accounts import Account
from billing.queries.allowances import CreditWarning


@dataclass(frozen=True, slots=True)
class StreamPart:
    """Which chunk of a streamed response an event is; sequences start at 0."""

    sequence: int
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedEvent:
    """One usage event as a client sent it, whatever the wire format.

    Numbers in `properties` are int or Decimal. `customer` is its external id, and
    `api_key` the prefix of its key, if the event names one.
    """

    customer: str
    idempotency_key: str
    event_name: str
    occurred_at: datetime
    properties: dict[str, Any]
    stream: StreamPart | None = None
    api_key: str | None = None

    def fingerprint(self) -> bytes:
        """Return the SHA-256 of the canonical payload: order and spacing aside."""
        payload: tuple[object, ...] = (
            self.event_name,
            self.occurred_at.astimezone(UTC).isoformat(),
            self.properties,
            self.stream and (self.stream.sequence, self.stream.is_final),
        )
        if self.api_key is not None:
            # Those of events that name no key stay what they were before any could.
            payload = (*payload, self.api_key)
        return hashlib.sha256(exact_json.encode(payload)).digest()


class Status(StrEnum):
    """What became of one posted event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The answer to one posted event.

    Cost and balance are in credits; both are absent until an event is priced.
    """

    status: Status
    idempotency_key: str | None = None
    cost: Decimal | None = None
    balance: Decimal | None = None
    currency: str | None = None
    # The usage is recorded, though the credits did not suffice for it.
    warning: CreditWarning | None = None
    # Why it was not accepted, as a word for programs and a sentence for people.
    code: str | None = None
    detail: str | None = None
    # The field at fault, as the path of its names.
    path: tuple[str | int, ...] = field(default=())
    # Why it costs nothing, where it does.
    waived: str = ""
    # The event as it was recorded now: of a stream, its chunks together.
    recorded: PostedEvent | None = None
    # The stream is waiting for more chunks.
    is_open_stream: bool = False

    @property
    def is_recorded(self) -> bool:
        """Whether the usage is in our books or kept to be priced later."""
        return self.status not in (Status.CONFLICT, Status.REJECTED)


@dataclass(slots=True)
class Item:
    """One posted event on its way through a batch; `index` is its place in the post.

    `api_key_id` is the customer's key that it is counted to, if one is known.
    """

    index: int
    account: Account
    event: PostedEvent
    fingerprint: bytes
    event_id: int = 0
    api_key_id: int | None = None

    @property
    def key(self) -> tuple[int, str]:
        """What is claimed: the customer's id and its idempotency key."""
        return self.account.id, self.event.idempotency_key


def new_item(
    index: int, account: Account, event: PostedEvent, *, api_key_id: int | None
) -> Item:
    """Return an event ready to be claimed, to be counted to a key of its customer."""
    fingerprint = event.fingerprint()
    return Item(index, account, event, fingerprint, api_key_id=api_key_id)


def rejected(event: PostedEvent, field_path: str, code: str, detail: str) -> Outcome:
    """Return the refusal of one event, naming the field at fault.

    A field inside another is written `properties/usage`.
    """
    return Outcome(
        status=Status.REJECTED,
        idempotency_key=event.idempotency_key,
        code=code,
        detail=detail,
        path=tuple(field_path.split("/")),
    )


def conflict(item: Item) -> Outcome:
    """Return the answer to a key that another payload holds."""
    return Outcome(
        status=Status.CONFLICT,
        idempotency_key=item.event.idempotency_key,
        code="idempotency_key_reused",
        detail="This key was recorded before with another payload, which stands.",
        path=("idempotency_key",),
    )
