"""What metering must know of a customer, read once per batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from billing.models import Customer


@dataclass(frozen=True, slots=True)
class Account:
    """A customer as metering sees it."""

    id: int
    external_id: str
    wallet_id: int
    currency: str
    zone: ZoneInfo
    rate_card_id: int


def find_accounts(external_ids: Iterable[str]) -> dict[str, Account]:
    """Return the customers with these external ids; unknown ones are left out."""
    rows = Customer.objects.filter(external_id__in=set(external_ids)).values_list(
        "id",
        "external_id",
        "wallet_id",
        "wallet__currency",
        "time_zone",
        "plan__rate_card_id",
    )
    return {
        external_id: Account(pk, external_id, wallet_id, currency, ZoneInfo(zone), card)
        for pk, external_id, wallet_id, currency, zone, card in rows
    }


def read_closed_until(customer_ids: Iterable[int]) -> dict[int, datetime | None]:
    """Return until when each customer's usage is invoiced.

    Read it with the wallets locked: closing a period takes the same locks.
    """
    rows = Customer.objects.filter(pk__in=set(customer_ids))
    return dict(rows.values_list("pk", "closed_until"))
