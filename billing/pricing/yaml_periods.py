"""Own the written form of prices by the period: `per_period`, `tiers`, free units."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from billing.pricing.period_prices import PeriodMode, PeriodPrice
from billing.pricing.tiers import Tier
from billing.pricing.yaml_nodes import Entry, Field
from ledger.money import ZERO

FREE: Final = "free_per_period"
MINIMUM: Final = "minimum_per_period"
MAXIMUM: Final = "maximum_per_period"
MODE: Final = "per_period"
TIERS: Final = "tiers"
PERIOD_FIELDS: Final = (MODE, FREE, TIERS)

_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")
_PRICE_KEY: Final = re.compile(r"price_[a-z]{3}")
_FLAT_KEY: Final = re.compile(r"flat_[a-z]{3}")
_BOUND_KEY: Final = re.compile(rf"({MINIMUM}|{MAXIMUM})_[a-z]{{3}}")


def read_decimal(field: Field) -> Decimal:
    """Read a decimal straight from its text.

    :raises CardSyntaxError: if it is none.
    """
    text = field.text()
    if not _DECIMAL.fullmatch(text):
        raise field.error("must be a decimal number")
    return Decimal(text)


def read_period(rate: Mapping[str, Field]) -> PeriodPrice | None:
    """Read how a rate depends on the period, if it does.

    :raises CardSyntaxError: if a field is none that is known, or a mode lacks its own.
    """
    if rate.keys().isdisjoint({*PERIOD_FIELDS, MINIMUM, MAXIMUM}):
        return None
    mode = _read_mode(rate)
    free = read_decimal(rate[FREE]) if FREE in rate else ZERO
    if TIERS in rate:
        tiers = tuple(map(_read_tier, rate[TIERS].entries()))
    else:
        tiers = (Tier(None, read_decimal(rate["price"])),)
    least, most = (
        read_decimal(rate[name]) if name in rate else None
        for name in (MINIMUM, MAXIMUM)
    )
    return PeriodPrice(mode, tiers, free, least, most)


def find_bounds(entry: Entry) -> dict[str, Field]:
    """Return the fields of the least and the most of a period, by their plain names."""
    found = {}
    for name, field in entry.fields.items():
        if bound := _BOUND_KEY.fullmatch(name):
            found[bound[1]] = field
    return found


def amount_fields(rate: Mapping[str, Field]) -> Iterator[Field]:
    """Yield the fields of a rate that hold money, whose names say the currency."""
    yield from (rate[name] for name in (MINIMUM, MAXIMUM) if name in rate)
    if TIERS not in rate:
        yield rate["price"]
        return
    for entry in rate[TIERS].entries():
        yield from (
            field
            for name, field in entry.fields.items()
            if _PRICE_KEY.fullmatch(name) or _FLAT_KEY.fullmatch(name)
        )


def tier_places(rate: Mapping[str, Field]) -> dict[str, Field]:
    """Return the written field behind each name of a tier that an error may use."""
    if TIERS not in rate or MODE not in rate:
        return {}
    places: dict[str, Field] = {}
    for position, entry in enumerate(rate[TIERS].entries()):
        for name, field in entry.fields.items():
            places[f"tiers[{position}].{_plain(name)}"] = field
    return places


def _read_mode(rate: Mapping[str, Field]) -> PeriodMode:
    """Read the mode; without one there is one price for all that is not free."""
    if MODE not in rate:
        return PeriodMode.GRADUATED
    text = rate[MODE].text()
    modes = {mode.value for mode in PeriodMode}
    if text not in modes:
        raise rate[MODE].error(f"must be {', '.join(sorted(modes))}")
    mode = PeriodMode(text)
    if (mode is PeriodMode.PACKAGE) == (TIERS in rate):
        problem = "package takes one price" if TIERS in rate else f"{text} needs tiers"
        raise rate[MODE].error(problem)
    return mode


def _read_tier(entry: Entry) -> Tier:
    """Read one tier: its bound, unless it is the last, and its prices."""
    price = _first(entry, _PRICE_KEY, "price_<currency>")
    flat = _first(entry, _FLAT_KEY, "")
    fields = entry.expect(price, optional={"up_to", flat})
    bound = fields.get("up_to")
    return Tier(
        read_decimal(bound) if bound else None,
        read_decimal(fields[price]),
        read_decimal(fields[flat]) if flat else ZERO,
    )


def _first(entry: Entry, key: re.Pattern[str], otherwise: str) -> str:
    """Return the first name of a kind that an entry has."""
    return next((name for name in entry.fields if key.fullmatch(name)), otherwise)


def _plain(name: str) -> str:
    """Return the name of a field without the currency in it."""
    has_currency = _PRICE_KEY.fullmatch(name) or _FLAT_KEY.fullmatch(name)
    return name.rpartition("_")[0] if has_currency else name
