"""Spend caps as pages and the API show them. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import ApiKey, CapOwner, Customer, SpendCap
from billing.queries.caps import Cap, list_caps, read_cap, read_spent
from ledger.money import WIDE, ZERO


@dataclass(frozen=True, slots=True)
class CapState:
    """A cap with its key, and what is spent of it until it resets."""

    cap: Cap
    api_key: ApiKey | None
    spent: Decimal
    resets_at: datetime

    @property
    def remaining(self) -> Decimal:
        """What may still be spent before it resets: never below zero."""
        return max(ZERO, WIDE.subtract(self.cap.amount, self.spent))

    @property
    def is_operators(self) -> bool:
        """Whether the customer may not change it."""
        return self.cap.set_by == CapOwner.OPERATOR


@dataclass(frozen=True, slots=True)
class CapsPage:
    """A customer's caps, and the keys that it could set one for."""

    currency: str
    caps: list[CapState]
    keys: list[ApiKey]


def get_caps_page(*, customer: Customer, at: datetime) -> CapsPage:
    """Return a customer's caps with what is spent of them, and its keys in use."""
    keys = list(ApiKey.objects.filter(customer=customer).order_by("name", "pk"))
    states = _describe(customer, list_caps(customer.pk), keys, at)
    usable = [key for key in keys if key.revoked_at is None]
    return CapsPage(customer.wallet.currency, states, usable)


def get_cap_state(*, customer: Customer, row: SpendCap, at: datetime) -> CapState:
    """Return one of a customer's caps with what is spent of it."""
    keys = [row.api_key] if row.api_key else []
    return _describe(customer, [read_cap(row)], keys, at)[0]


def find_key(*, customer: Customer, prefix: str) -> ApiKey | None:
    """Return a customer's key by its prefix, revoked or not, if it has one so."""
    return ApiKey.objects.filter(customer=customer, prefix=prefix).first()


def _describe(
    customer: Customer, caps: Sequence[Cap], keys: Sequence[ApiKey], at: datetime
) -> list[CapState]:
    by_id, zone = {key.pk: key for key in keys}, customer.zone
    spent = read_spent(customer_id=customer.pk, caps=caps, at=at, zone=zone)
    return [
        CapState(
            cap,
            by_id[cap.api_key_id] if cap.api_key_id else None,
            spent[cap.id],
            cap.window(at, zone).end,
        )
        for cap in caps
    ]
