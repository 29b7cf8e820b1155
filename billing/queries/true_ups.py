"""Working out what a period's volume prices still owe. Nothing here writes."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from billing.models import Customer, RateTier, TrueUp, UsageRollup
from billing.models.rate_cards import PerPeriod
from billing.pricing.period_prices import PeriodMode, PeriodPrice
from billing.pricing.tiers import Tier
from billing.pricing.volume import VolumeUse, true_up

_PRICE = ("model", "rate", "band", "discount")
_METER = ("rate__version__rate_card", "rate__model", "rate__dimension")


def list_true_ups(*, customer: Customer, period_start: datetime) -> list[TrueUp]:
    """Return what a period was trued up by, once it was."""
    stored = TrueUp.objects.filter(customer=customer, period_start=period_start)
    return list(stored.order_by("pk"))


def work_out_true_ups(*, customer: Customer, period_start: datetime) -> list[TrueUp]:
    """Return what a period's usage so far would be trued up by, not yet stored.

    Versions of one rate count together, whatever the model it prices. What comes out
    at nothing is left out.
    """
    meters: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for sums in _list_sums(customer, period_start):
        when = json.dumps(sums["rate__when"], sort_keys=True)
        meters[(*(str(sums[name]) for name in _METER), when)].append(sums)
    tiers = _read_tiers({each["rate"] for sums in meters.values() for each in sums})
    return [
        row
        for sums in meters.values()
        for row in _true_up(sums, tiers, customer, period_start)
    ]


def _list_sums(customer: Customer, period_start: datetime) -> list[dict[str, Any]]:
    """Return what each volume price has charged in a period."""
    rollups = UsageRollup.objects.filter(
        customer=customer,
        period_start=period_start,
        rate__per_period=PerPeriod.VOLUME,
        # What is free counts towards no tier, nor does what corrects another period.
        tier__gt=0,
        corrects__isnull=True,
    )
    grouped = rollups.values(
        *_PRICE, *_METER, "rate__when", "rate__unit", "band__multiplier"
    )
    summed = grouped.annotate(Sum("quantity"), Sum("amount"))
    return list(summed.order_by("rate", "model", "band", "discount"))


def _read_tiers(rate_ids: set[int]) -> dict[int, PeriodPrice]:
    """Return the tiers of each rate."""
    tiers: defaultdict[int, list[Tier]] = defaultdict(list)
    for tier in RateTier.objects.filter(rate__in=rate_ids).order_by("rate", "position"):
        tiers[tier.rate_id].append(Tier(tier.up_to, tier.price, tier.flat))
    return {
        rate: PeriodPrice(PeriodMode.VOLUME, tuple(each))
        for rate, each in tiers.items()
    }


def _true_up(
    sums: list[dict[str, Any]],
    tiers: dict[int, PeriodPrice],
    customer: Customer,
    period_start: datetime,
) -> Iterator[TrueUp]:
    """Yield what the uses of one meter are trued up by."""
    settled = true_up([_as_use(each, tiers[each["rate"]]) for each in sums])
    for each, (tier, amount) in zip(sums, settled, strict=True):
        if amount:
            yield TrueUp(
                customer=customer,
                period_start=period_start,
                model=each["model"],
                rate_id=each["rate"],
                band_id=each["band"],
                discount=each["discount"],
                tier=tier,
                quantity=each["quantity__sum"],
                charged=each["amount__sum"],
                amount=amount,
            )


def _as_use(sums: dict[str, Any], period: PeriodPrice) -> VolumeUse:
    """Return the sums of one price, for pricing."""
    return VolumeUse(
        unit=sums["rate__unit"],
        period=period,
        quantity=sums["quantity__sum"],
        multiplier=sums["band__multiplier"] or Decimal(1),
        discount=sums["discount"],
        charged=sums["amount__sum"],
    )
