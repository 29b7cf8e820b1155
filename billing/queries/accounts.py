"""What metering must know of a customer, read once per batch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef

from billing.models import Customer, Terms
from billing.pricing.discounts import FULL_PRICE, Discounts
from billing.pricing.rating import Terms as RatingTerms
from billing.pricing.versions import select_version
from billing.queries.allowances import Allowance


class Agreed(NamedTuple):
    """What a customer's own terms say, if it has some: a card of its own, discounts."""

    rate_card_id: int | None = None
    discounts: Discounts = FULL_PRICE


_NOTHING = Agreed()


@dataclass(frozen=True, slots=True)
class Account:
    """A customer as metering sees it; `agreed` are its own terms, by their dates."""

    id: int
    external_id: str
    wallet_id: int
    currency: str
    zone: ZoneInfo
    rate_card_id: int
    waives_failed_calls: bool
    allowance: Allowance
    agreed: Sequence[tuple[datetime, Agreed]] = ()
    # Below this the customer has asked to be told: see `services.alerts`.
    watch_below: Decimal | None = None

    def agreed_at(self, at: datetime) -> Agreed:
        """Return the customer's own terms as they stood at an instant."""
        return select_version(self.agreed, at) or _NOTHING

    def cards_at(self, at: datetime) -> tuple[int, ...]:
        """Return the cards that may price a call, the customer's own before its plan's.

        A model that the first has not is priced by the second.
        """
        own = self.agreed_at(at).rate_card_id
        return (self.rate_card_id,) if own is None else (own, self.rate_card_id)

    def terms_at(self, at: datetime) -> RatingTerms:
        """Return what prices depend on beside the card."""
        return RatingTerms(self.agreed_at(at).discounts, self.waives_failed_calls)

    @property
    def rate_card_ids(self) -> set[int]:
        """All cards that could price some call of the customer."""
        own = (terms.rate_card_id for _, terms in self.agreed)
        return {self.rate_card_id, *(card for card in own if card is not None)}


def find_accounts(external_ids: Iterable[str]) -> dict[str, Account]:
    """Return the customers with these external ids; unknown ones are left out."""
    has_terms = Exists(Terms.objects.filter(customer=OuterRef("pk")))
    rows = Customer.objects.filter(external_id__in=set(external_ids)).values_list(
        "id",
        "external_id",
        "wallet_id",
        "wallet__currency",
        "time_zone",
        "plan__rate_card_id",
        "plan__waives_failed_calls",
        "plan__mode",
        "plan__at_zero",
        "wallet__credit_limit",
        "watch_below",
        has_terms,
    )
    found = list(rows)
    agreed = _find_terms(pk for pk, *_, is_special in found if is_special)
    return {row[1]: _account(row, agreed.get(row[0], ())) for row in found}


def _account(
    row: tuple[Any, ...], agreed: Sequence[tuple[datetime, Agreed]]
) -> Account:
    pk, external_id, wallet_id, currency, zone, card, waives, *rest = row
    mode, at_zero, credit_limit, watch_below, _ = rest
    return Account(
        pk,
        external_id,
        wallet_id,
        currency,
        ZoneInfo(zone),
        card,
        waives,
        Allowance(mode, at_zero, credit_limit),
        agreed,
        watch_below,
    )


def _find_terms(
    customer_ids: Iterable[int],
) -> dict[int, list[tuple[datetime, Agreed]]]:
    """Return the terms of customers that have some, by their dates."""
    ids = list(customer_ids)
    found: defaultdict[int, list[tuple[datetime, Agreed]]] = defaultdict(list)
    if not ids:
        return found
    for terms in Terms.objects.filter(customer__in=ids).order_by("effective_from"):
        found[terms.customer_id].append((terms.effective_from, read_terms(terms)))
    return found


def read_terms(terms: Terms) -> Agreed:
    """Return what stored terms say, for pricing."""
    by_model = {name: Decimal(text) for name, text in terms.model_discounts.items()}
    return Agreed(terms.rate_card_id, Discounts(terms.discount_percent, by_model))


def read_closed_until(customer_ids: Iterable[int]) -> dict[int, datetime | None]:
    """Return until when each customer's usage is invoiced.

    Read it with the wallets locked: closing a period takes the same locks.
    """
    rows = Customer.objects.filter(pk__in=set(customer_ids))
    return dict(rows.values_list("pk", "closed_until"))
