"""What one refusal is in Redis, and what many of them add up to. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Self

from redis.typing import EncodableT, FieldT

from billing.models import LimitName
from ledger.database import as_json_rows
from ledger.money import WIDE, ZERO, as_text

_LONGEST_MODEL = 200


class Refusal(NamedTuple):
    """A call that was refused: what it asked for, and what it would have cost."""

    customer_id: int
    model: str
    limit: LimitName
    tokens: int
    amount: Decimal
    at: datetime

    @classmethod
    def of(
        cls,
        *,
        customer_id: int,
        model: str,
        limit: str,
        tokens: int,
        amount: Decimal,
        at: datetime,
    ) -> Self:
        """Return one that PostgreSQL can store, whatever the caller called the model.

        :raises ValueError: if the limit is unknown, or a count is below zero or none.
        """
        if tokens < 0 or not amount.is_finite() or amount < 0:
            message = f"{tokens} tokens for {amount} cannot be refused"
            raise ValueError(message)
        limit_name = LimitName(limit)
        return cls(customer_id, _storable(model), limit_name, tokens, amount, at)


def _storable(model: str) -> str:
    text = model.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return text[:_LONGEST_MODEL]


def as_fields(refusal: Refusal) -> dict[FieldT, EncodableT]:
    """Return a refusal as the fields of a stream's entry."""
    return {
        "customer_id": refusal.customer_id,
        "model": refusal.model,
        "limit": refusal.limit.value,
        "tokens": refusal.tokens,
        "amount": as_text(refusal.amount),
        "at": refusal.at.isoformat(),
    }


def parse_entry(fields: Mapping[str, str]) -> Refusal | None:
    """Return the refusal that an entry's fields say, or none if they say no such."""
    try:
        return Refusal.of(
            customer_id=int(fields["customer_id"]),
            model=fields["model"],
            limit=fields["limit"],
            tokens=int(fields["tokens"]),
            amount=Decimal(fields["amount"]),
            at=datetime.fromisoformat(fields["at"]).astimezone(UTC),
        )
    except (KeyError, ValueError, InvalidOperation):
        return None


class _Key(NamedTuple):
    customer_id: int
    hour: datetime
    model: str
    limit: LimitName


@dataclass(slots=True)
class _Sum:
    last_at: datetime
    refusals: int = 0
    tokens: int = 0
    amount: Decimal = ZERO


class Sums:
    """Refusals by customer, hour, model and limit."""

    def __init__(self) -> None:
        self._sums: dict[_Key, _Sum] = {}

    def add(self, refusal: Refusal) -> None:
        """Count one more."""
        at = refusal.at.astimezone(UTC)
        hour = at.replace(minute=0, second=0, microsecond=0)
        key = _Key(refusal.customer_id, hour, refusal.model, refusal.limit)
        added = self._sums.setdefault(key, _Sum(at))
        added.refusals += 1
        added.tokens += refusal.tokens
        added.amount = WIDE.add(added.amount, refusal.amount)
        added.last_at = max(added.last_at, at)

    def as_json(self) -> str:
        """Return the sums as rows that PostgreSQL reads."""
        return as_json_rows(
            {
                "customer_id": key.customer_id,
                "hour": key.hour.isoformat(),
                "model": key.model,
                "limit": key.limit.value,
                "refusals": added.refusals,
                "tokens": str(added.tokens),
                "amount": as_text(added.amount),
                "last_at": added.last_at.isoformat(),
            }
            for key, added in self._sums.items()
        )
