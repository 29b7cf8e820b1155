"""Working out what a period's prices still owe once it ends. Nothing here writes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, Sum

from billing.models import Correction, Customer, Rate, TrueUp, UsageRollup
from billing.models.rate_cards import PerPeriod
from billing.models.true_ups import Reason
from billing.periods import Period
from billing.pricing.card import DEFAULT_MODEL
from billing.pricing.period_cost import period_cost
from billing.pricing.period_prices import PeriodPrice
from billing.pricing.volume import VolumeUse, true_up
from billing.queries.accounts import find_accounts
from billing.queries.cards import load_periods, may_be_trued_up
from billing.queries.price_book import open_price_book
from ledger.money import SCALE, WIDE, ZERO, total

_INSTANT = timedelta(microseconds=1)
_LAST_DIGIT = Decimal(1).scaleb(-SCALE)
_PRICE = ("model", "rate", "band", "discount", "rate__unit", "band__multiplier")

# A card, a model on it, a dimension and its conditions, whatever the version.
_Meter = tuple[int, str, str, str]


@dataclass(frozen=True, slots=True)
class _Use:
    """What a period used of one meter, in its latest version, price by price."""

    rate: Rate
    sums: list[dict[str, Any]]


def list_true_ups(*, customer: Customer, period: Period) -> list[TrueUp]:
    """Return what a period was trued up by, once it was."""
    stored = TrueUp.objects.filter(customer=customer, period_start=period.start)
    return list(stored.order_by("pk"))


def work_out_true_ups(*, customer: Customer, period: Period) -> list[TrueUp]:
    """Return what a period's usage so far would be trued up by, not yet stored.

    Versions of one rate count together, whatever the models it prices. A rate with a
    least is owed even if nothing was used. What comes out at nothing is left out.
    """
    corrected = Correction.objects.filter(
        customer=customer, period_start=period.start, amount__gt=0
    ).exists()
    used = _list_used(customer, period, any_price=corrected)
    uses = {**_list_owed(customer, period), **used}
    prices = load_periods(
        {each["rate"] for use in uses.values() for each in use.sums}
        | {use.rate.pk for use in uses.values()}
    )
    due = (
        row
        for use in uses.values()
        for row in _settle(use, prices, is_corrected=corrected)
    )
    rows = [row for row in due if row.amount]
    for row in rows:
        row.customer, row.period_start = customer, period.start
    return rows


def _list_used(
    customer: Customer, period: Period, *, any_price: bool
) -> dict[_Meter, _Use]:
    """Return what was used of each meter that a period may still owe for."""
    rollups = UsageRollup.objects.filter(
        ~Q(rate__per_period="") if any_price else may_be_trued_up("rate__"),
        customer=customer,
        period_start=period.start,
    )
    # What is free counts towards no tier.
    paid = Sum("quantity", filter=Q(tier__gt=0), default=ZERO)
    grouped = rollups.values(*_PRICE).annotate(
        Sum("amount"), Sum("calls"), all_units=Sum("quantity"), quantity__sum=paid
    )
    band = F("band").asc(nulls_first=True)
    sums = list(grouped.order_by("rate", "model", band, "discount"))
    rates = _read_rates({each["rate"] for each in sums})
    uses: dict[_Meter, _Use] = {}
    for each in sums:
        rate = rates[each["rate"]]
        earlier = uses.get(_meter_of(rate))
        uses[_meter_of(rate)] = _Use(rate, [*(earlier.sums if earlier else []), each])
    return uses


def _list_owed(customer: Customer, period: Period) -> dict[_Meter, _Use]:
    """Return the rates in force at a period's end that cost something even unused."""
    account = find_accounts([customer.external_id])[customer.external_id]
    at = period.end - _INSTANT
    book = open_price_book([account])
    owed: dict[_Meter, _Use] = {}
    models: set[str] = set()
    for card in account.cards_at(at):
        version = book.find_version(card, at)
        rates = Rate.objects.filter(version=version, minimum_per_period__gt=0)
        for rate in rates.exclude(model__in=models).select_related("version"):
            owed[_meter_of(rate)] = _Use(rate, [])
        # A customer's own card prices its models instead of the plan's.
        priced = Rate.objects.filter(version=version).values_list("model", flat=True)
        models |= set(priced)
        if DEFAULT_MODEL in models:
            break
    return owed


def _read_rates(rate_ids: set[int]) -> dict[int, Rate]:
    return Rate.objects.select_related("version").in_bulk(rate_ids)


def _meter_of(rate: Rate) -> _Meter:
    when = json.dumps(rate.when, sort_keys=True)
    return rate.version.rate_card_id, rate.model, rate.dimension, when


def _settle(
    use: _Use, prices: dict[int, PeriodPrice], *, is_corrected: bool
) -> Iterator[TrueUp]:
    """Yield what one meter is trued up by, each reason after the other."""
    charged = total(each["amount__sum"] for each in use.sums)
    # A price whose calls were all taken back has nothing left to settle.
    standing = [each for each in use.sums if each["calls__sum"]]
    if use.rate.per_period == PerPeriod.VOLUME:
        volume = list(_settle_volume(standing, prices))
        yield from volume
        charged = total([charged, *(row.amount for row in volume)])
    if is_corrected:
        cost = _cost_of(standing, prices, charged)
        yield _true_up(use.rate, Reason.CORRECTION, charged, cost)
        charged = cost
    bounded = prices[use.rate.pk].bounded(charged)
    reason = Reason.MINIMUM if bounded > charged else Reason.MAXIMUM
    yield _true_up(use.rate, reason, charged, bounded)


def _cost_of(
    sums: list[dict[str, Any]], prices: dict[int, PeriodPrice], charged: Decimal
) -> Decimal:
    """Return what the calls that stand cost together, in a period of their own."""
    uses = [
        _as_use(each, prices[each["rate"]])._replace(quantity=each["all_units"])
        for each in sums
    ]
    cost = period_cost(uses)
    # Each charge was rounded for itself, and may have lost half of its last digit.
    calls = sum(each["calls__sum"] for each in sums) + 1
    is_rounding = abs(WIDE.subtract(cost, charged)) <= calls * _LAST_DIGIT
    return charged if is_rounding else cost


def _true_up(rate: Rate, reason: Reason, charged: Decimal, cost: Decimal) -> TrueUp:
    """Return what is due for a whole meter, under its latest rate."""
    return TrueUp(
        reason=reason,
        model=rate.model,
        rate=rate,
        quantity=ZERO,
        charged=charged,
        amount=WIDE.subtract(cost, charged),
    )


def _settle_volume(
    sums: Sequence[dict[str, Any]], prices: dict[int, PeriodPrice]
) -> Iterator[TrueUp]:
    """Yield what each price of a meter is trued up by, all units together."""
    settled = true_up([_as_use(each, prices[each["rate"]]) for each in sums])
    for each, (tier, amount) in zip(sums, settled, strict=True):
        yield TrueUp(
            reason=Reason.VOLUME,
            model=each["model"],
            rate_id=each["rate"],
            band_id=each["band"],
            discount=each["discount"],
            tier=tier,
            quantity=each["quantity__sum"],
            charged=each["amount__sum"],
            amount=amount,
        )


def _as_use(sums: dict[str, Any], price: PeriodPrice) -> VolumeUse:
    """Return the sums of one price, for pricing."""
    return VolumeUse(
        unit=sums["rate__unit"],
        period=price,
        quantity=sums["quantity__sum"],
        multiplier=sums["band__multiplier"] or Decimal(1),
        discount=sums["discount"],
        charged=sums["amount__sum"],
    )
