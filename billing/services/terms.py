"""What a customer agreed to beside its plan: prices of its own, and discounts."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.models import Customer, RateCard, Terms
from billing.pricing.discounts import Discounts
from billing.services.rate_cards import CurrencyMismatchError
from ledger.money import ZERO, as_text
from ledger.posting import lock_wallets

_NONE: Mapping[str, Decimal] = {}


class RetroactiveTermsError(Exception):
    """The terms would begin in the past, where calls are priced already."""


@transaction.atomic
def agree_terms(
    *,
    customer: Customer,
    effective_from: datetime,
    rate_card: RateCard | None = None,
    discount_percent: Decimal = ZERO,
    model_discounts: Mapping[str, Decimal] = _NONE,
    reason: str,
    by: str,
    at: datetime,
) -> Terms:
    """Put a customer's own prices and discounts in force, until the next are agreed.

    They replace the earlier ones as a whole. The models on `rate_card` cost what it
    says, all others what the plan's card says. A percentage of a model stands instead
    of the general one.

    :raises RetroactiveTermsError: if they would begin before `at`.
    :raises CurrencyMismatchError: if the card is not in the wallet's currency.
    :raises DiscountError: if a percentage is not from 0 to 100.
    """
    # Metering reads the terms under the same lock.
    lock_wallets([customer.wallet_id])
    if effective_from < at:
        message = f"{effective_from:%Y-%m-%d %H:%M} is past: calls are priced already"
        raise RetroactiveTermsError(message)
    if rate_card:
        _require_currency(rate_card, customer.wallet.currency)
    discounts = Discounts(discount_percent, model_discounts)
    return Terms.objects.create(
        customer=customer,
        effective_from=effective_from,
        rate_card=rate_card,
        discount_percent=discounts.percent,
        model_discounts={
            model: as_text(percent) for model, percent in discounts.by_model.items()
        },
        reason=reason,
        actor=by,
    )


def _require_currency(rate_card: RateCard, currency: str) -> None:
    if rate_card.currency != currency:
        message = f"the card is in {rate_card.currency}, the wallet in {currency}"
        raise CurrencyMismatchError(message)
