"""Own what the price fields of LiteLLM's catalogue mean, one model at a time.

Such as `input_cost_per_token_above_200k_tokens_batches`: US dollars for one token of a
batch whose context is above 200,000. What has no meaning here is said, not skipped.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from ledger.money import as_text

Conditions = Mapping[str, tuple[str, ...]]

TOKENS: Final = (10**6, "tokens")
BATCH: Final = "batch"
SERVICE_CLASS: Final = "service_class"

# What each field prices, and the unit that a card prices together.
_DIMENSIONS: Final[Mapping[str, tuple[str, tuple[int, str]]]] = {
    "input_cost_per_token": ("input_tokens", TOKENS),
    "output_cost_per_token": ("output_tokens", TOKENS),
    "output_cost_per_reasoning_token": ("reasoning_tokens", TOKENS),
    "cache_read_input_token_cost": ("cached_input_tokens", TOKENS),
    "input_cost_per_token_cache_hit": ("cached_input_tokens", TOKENS),
    "cache_read_input_audio_token_cost": ("cached_audio_input_tokens", TOKENS),
    "cache_read_input_image_token_cost": ("cached_image_input_tokens", TOKENS),
    "cache_creation_input_token_cost": ("cache_write_5m_tokens", TOKENS),
    "cache_creation_input_token_cost_above_1hr": ("cache_write_1h_tokens", TOKENS),
    "cache_creation_input_audio_token_cost": ("cache_write_audio_tokens", TOKENS),
    "input_cost_per_audio_token": ("audio_input_tokens", TOKENS),
    "input_cost_per_image_token": ("image_input_tokens", TOKENS),
    "input_cost_per_video_token": ("video_input_tokens", TOKENS),
    "output_cost_per_audio_token": ("audio_output_tokens", TOKENS),
    "output_cost_per_image_token": ("image_output_tokens", TOKENS),
    "citation_cost_per_token": ("citation_tokens", TOKENS),
    "input_cost_per_character": ("characters", (10**6, "characters")),
    "input_cost_per_query": ("searches", (1, "search")),
    "google_maps_grounding_cost_per_query": ("map_searches", (1, "search")),
    "input_cost_per_second": ("seconds", (1, "second")),
    "output_cost_per_second": ("seconds", (1, "second")),
    "output_cost_per_video_per_second": ("seconds", (1, "second")),
    "ocr_cost_per_page": ("pages", (1, "page")),
    "annotation_cost_per_page": ("annotated_pages", (1, "page")),
    "output_cost_per_image": ("images", (1, "image")),
}
_CLASSES: Final[Mapping[str, str]] = {
    "balanced": "balanced",
    "batches": BATCH,
    "decisions": "decisions",
    "flex": "flex",
    "priority": "priority",
}
_FIELD: Final = re.compile(
    r"(.+?)(?:_above_([0-9]+)(k?)_tokens)?"
    rf"(?:_({'|'.join(_CLASSES)}))?(?:_([0-9]+K))?"
)
_PRICES: Final = re.compile(r".*(cost|pricing|multiplier|specific_entry).*")
_REGION: Final = re.compile(r"regional_processing_uplift_multiplier_([a-z]+)")
_ENDPOINT: Final = "regional_endpoint_uplift_multiplier"
_ENTRY: Final = "provider_specific_entry"
_NUMBER: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,40})?(?:[eE]-?[0-9]{1,2})?")

_MAX_EXPONENT: Final = 20
_NO_NUMBER: Final = "is no exact number of a possible size"

# Providers whose longer context starts at the threshold itself; all others' above it.
_INCLUSIVE: Final = frozenset({"xai"})

# Days of ISO 8601, as the catalogue has them.
_DAYS: Final = dict(
    zip("1234567", ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), strict=True)
)


@dataclass(frozen=True, slots=True)
class Price:
    """Hold a price in US dollars for one of a dimension, and when it applies."""

    dimension: str
    price: Decimal
    unit: tuple[int, str] = TOKENS
    when: Conditions = field(default_factory=dict)


class Region(NamedTuple):
    """Hold what tokens cost more where a property of the call has a value."""

    name: str
    text: str
    factor: Decimal


class LeftOut(NamedTuple):
    """Say of a field that it is not on the card, or not as the catalogue has it."""

    field: str
    problem: str


def read_prices(
    fields: Mapping[str, object], provider: str
) -> Iterator[Price | LeftOut]:
    """Yield what every price field of a model says; other fields are no concern."""
    above = "context_from" if provider in _INCLUSIVE else "context_above"
    for name, value in fields.items():
        if name == "search_context_cost_per_query":
            yield from _searches(name, value)
        elif name == "tiered_pricing":
            yield from _tiers(name, value, above)
        elif name == "off_peak_pricing":
            yield from _off_peak(name, value, above)
        elif _PRICES.fullmatch(name) and not _is_regional(name):
            yield _price(name, value, above, {})


def read_regions(fields: Mapping[str, object]) -> Iterator[Region | LeftOut]:
    """Yield what every token costs more of where a property has some value."""
    for name, value in fields.items():
        if region := _REGION.fullmatch(name):
            yield _region(name, "region", region[1], value)
        elif name == _ENDPOINT:
            yield _region(name, "endpoint", "regional", value)
        elif name == _ENTRY:
            entries = value if isinstance(value, Mapping) else {"": None}
            for text, factor in entries.items():
                yield _region(name, "region", str(text), factor)


def read_decimal(value: object) -> Decimal | None:
    """Return a number as it is written, if it is one; floats have lost that already.

    One that no price or multiplier can come near is none either: it would not fit into
    the arithmetic.
    """
    number = None
    if isinstance(value, Decimal) and value.is_finite():
        number = value
    elif isinstance(value, str | int) and _NUMBER.fullmatch(str(value)):
        number = Decimal(value)
    if number is None or abs(number.adjusted()) > _MAX_EXPONENT:
        return None
    return number


def _is_regional(name: str) -> bool:
    """Tell whether `read_regions` reads a field."""
    return name in {_ENDPOINT, _ENTRY} or bool(_REGION.fullmatch(name))


def _region(name: str, where: str, text: str, value: object) -> Region | LeftOut:
    """Return the multiplier in a field."""
    factor = read_decimal(value)
    if factor is None:
        return LeftOut(name, _NO_NUMBER)
    return Region(where, text, factor)


def _price(
    name: str, value: object, above: str, when: Mapping[str, tuple[str, ...]]
) -> Price | LeftOut:
    """Return the price in a field, whose name holds its conditions."""
    parts = _FIELD.fullmatch(name)
    if parts is None or parts[1] not in _DIMENSIONS:
        return LeftOut(name, "has no meaning on a card")
    price = read_decimal(value)
    if price is None:
        return LeftOut(name, _NO_NUMBER)
    _, tokens, thousand, service_class, size = parts.groups()
    conditions = dict(when)
    if tokens:
        conditions[above] = (tokens + ("000" if thousand else ""),)
    if service_class:
        conditions[SERVICE_CLASS] = (_CLASSES[service_class],)
    if size:
        conditions["image_size"] = (size,)
    return Price(
        *_DIMENSIONS[parts[1]][:1], price, _DIMENSIONS[parts[1]][1], conditions
    )


def _searches(name: str, value: object) -> Iterator[Price | LeftOut]:
    """Yield the price of a search, and of those whose context is of another size."""
    sizes = value if isinstance(value, Mapping) else {}
    prices = {
        str(key).rpartition("_")[2]: read_decimal(each) for key, each in sizes.items()
    }
    default = prices.get("medium")
    if default is None:
        yield LeftOut(name, "has no price of a search of medium size")
        return
    yield Price("searches", default, (1, "search"))
    for size, price in prices.items():
        if price is None:
            yield LeftOut(name, f"has no price of a search of {size} size")
        elif price != default:
            when = {"search_context_size": (size,)}
            yield Price("searches", price, (1, "search"), when)


def _tiers(name: str, value: object, above: str) -> Iterator[Price | LeftOut]:
    """Yield prices by context, each from where the last one ends."""
    for tier in value if isinstance(value, list) else [None]:
        fields = tier if isinstance(tier, Mapping) else {}
        start = _start(fields.get("range"))
        if start is None:
            yield LeftOut(name, "has no ranges of context")
            continue
        when = {above: (as_text(start),)} if start else {}
        for each, price in fields.items():
            if each != "range":
                yield _price(str(each), price, above, when)


def _start(bounds: object) -> Decimal | None:
    """Return where a range of context begins, if it is one."""
    return read_decimal(bounds[0]) if isinstance(bounds, list) and bounds else None


def _off_peak(name: str, value: object, above: str) -> Iterator[Price | LeftOut]:
    """Yield prices by the hours and days of UTC."""
    if not isinstance(value, Mapping) or not isinstance(value.get("windows"), list):
        yield LeftOut(name, "has no windows of time")
        return
    for window in value["windows"]:
        when = _window(window)
        if when is None:
            yield LeftOut(name, "has a window of no known hours and days")
            continue
        for each, price in value.items():
            if each != "windows":
                yield _price(str(each), price, above, when)


def _window(window: object) -> dict[str, tuple[str, ...]] | None:
    """Return when a window is open, if it says so; the whole day needs no hours."""
    if not isinstance(window, Mapping):
        return None
    hours = _texts(window.get("hours_utc"))
    stated = _texts(window.get("weekdays"))
    if not (hours or stated) or not _DAYS.keys() >= set(stated):
        return None
    days = tuple(_DAYS[day] for day in stated)
    conditions = {"hours": hours, "weekdays": days}
    if "00:00-00:00" in hours:
        del conditions["hours"]
    return {name: texts for name, texts in conditions.items() if texts}


def _texts(value: object) -> tuple[str, ...]:
    """Return a text or a list of texts as texts."""
    if isinstance(value, list):
        return tuple(map(str, value))
    return (value,) if isinstance(value, str) else ()
