"""Own what a period's calls come to, price by price, to be trued up at its end."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Final, NamedTuple

from billing.pricing.charges import ChargeLine
from billing.pricing.compiled import CompiledCard
from billing.pricing.period_prices import Meter, PeriodMode, PeriodPrice
from billing.pricing.volume import VolumeUse, true_up
from ledger.money import WIDE, ZERO, total

# Of each meter with a least, its price.
Owed = Mapping[Meter, PeriodPrice]


class Due(NamedTuple):
    """Say what a rate's period costs in the end, less what its calls do."""

    model: str
    dimension: str
    amount: Decimal


@dataclass(slots=True)
class _Sum:
    """Hold the calls of one model at one price: what was paid for, and what it cost."""

    model: str
    line: ChargeLine
    price: PeriodPrice
    paid: Decimal = ZERO
    charged: Decimal = ZERO

    @property
    def order(self) -> tuple[object, ...]:
        """The flat price of a tier is due with the last one."""
        line = self.line
        return line.rate_id or 0, self.model, line.band_id or 0, line.discount


_ORDER: Final = attrgetter("order")

# A model, the rate, its multiplier and the discount.
_Price = tuple[str, int | None, Decimal, Decimal]


class PeriodSums:
    """Add up the charges of one period, and say what it is trued up by."""

    def __init__(self) -> None:
        """Begin with a period without any call."""
        self._meters: dict[Meter, dict[_Price, _Sum]] = {}

    def add(self, model: str, lines: Iterable[ChargeLine]) -> None:
        """Count what a call of a model costs."""
        for line in lines:
            if line.period and line.period.price.is_trued_up:
                self._add(model, line, line.period.meter, line.period.price)

    def _add(
        self, model: str, line: ChargeLine, meter: Meter, price: PeriodPrice
    ) -> None:
        sums = self._meters.setdefault(meter, {})
        key = model, line.rate_id, line.multiplier, line.discount
        counted = sums.get(key)
        if counted is None:
            counted = sums[key] = _Sum(model, line, price)
        if line.tier:
            counted.paid = WIDE.add(counted.paid, line.quantity)
        counted.charged = WIDE.add(counted.charged, line.amount)

    def true_up(self, owed: Owed) -> Iterator[Due]:
        """Yield what each meter is trued up by: to its volume price, then its bounds.

        What is owed even unused is owed if nothing of it was counted.
        """
        for meter, sums in self._meters.items():
            yield from _settle(meter, sorted(sums.values(), key=_ORDER))
        for (model, dimension, when), price in owed.items():
            if (model, dimension, when) not in self._meters:
                yield Due(model, dimension, price.bounded(ZERO))


def list_owed(card: CompiledCard, *, but: Container[str] = ()) -> Owed:
    """Return what each period of a card owes even unused, some models left out."""
    return {
        (name, rate.dimension, rate.when): rate.period
        for name, prices in card.models.items()
        for _, (_, rate) in prices.scoped
        if name not in but and rate.period and rate.period.minimum
    }


def _settle(meter: Meter, sums: list[_Sum]) -> Iterator[Due]:
    """Yield what one meter is trued up by."""
    model, dimension, _ = meter
    charged = total(each.charged for each in sums)
    latest = sums[-1].price
    if latest.mode is PeriodMode.VOLUME:
        settled = true_up([_as_use(each) for each in sums])
        for each, (_, amount) in zip(sums, settled, strict=True):
            yield Due(each.model, dimension, amount)
        charged = total([charged, *(amount for _, amount in settled)])
    yield Due(model, dimension, WIDE.subtract(latest.bounded(charged), charged))


def _as_use(counted: _Sum) -> VolumeUse:
    """Return the sums of one price, for pricing."""
    return VolumeUse(
        unit=counted.line.unit,
        period=counted.price,
        quantity=counted.paid,
        multiplier=counted.line.multiplier,
        discount=counted.line.discount,
        charged=counted.charged,
    )
