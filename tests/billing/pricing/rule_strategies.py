"""Generated rates with conditions, and the calls that they may apply to."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from hypothesis import strategies as st

from billing.pricing.card import CardError, Minimum, ModelPrices, Rate
from billing.pricing.conditions import When, read_when
from tests.billing.pricing.strategies import bands, prices, units

DIMENSIONS: Final = ("input_tokens", "cached_input_tokens", "output_tokens")
CLASSES: Final = ("batch", "flex", "1K", "standard")
REGIONS: Final = ("eu", "us")
HOURS: Final = ("01:00-04:00", "03:00-12:30", "22:00-02:00", "00:00-24:00")
DAYS: Final = ("mon-fri", "sat", "sun-mon")
WEEK_START: Final = datetime(2026, 11, 23, tzinfo=UTC)
TOKENS: Final = st.sampled_from(["0", "99", "100", "200000"])

counts = st.one_of(
    st.sampled_from([0, 1, 49, 50, 99, 100, 101, 200_000]),
    st.integers(0, 10**9),
    st.decimals(0, 10**6, places=6),
)
moments = st.integers(0, 365 * 24 * 60 * 60).map(
    lambda seconds: datetime.fromtimestamp(1_767_225_600 + seconds, tz=UTC)
)


def _some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


@st.composite
def whens(draw: st.DrawFn) -> When:
    """Draw conditions that can be understood, often none."""
    possible: dict[str, st.SearchStrategy[list[str]]] = {
        "service_class": _some(CLASSES),
        "region": _some(REGIONS),
        "hours": _some(HOURS),
        "weekdays": _some(DAYS),
    }
    names = draw(st.lists(st.sampled_from(sorted(possible)), max_size=2, unique=True))
    conditions = {name: draw(possible[name]) for name in names}
    lower = draw(st.sampled_from(["", "context_above", "context_from"]))
    upper = draw(st.sampled_from(["", "context_up_to", "context_below"]))
    start = draw(TOKENS if lower != "context_from" else TOKENS.filter(int))
    if lower:
        conditions[lower] = [start]
    if upper:
        conditions[upper] = [str(int(start) + draw(st.sampled_from([1, 100, 10**6])))]
    return read_when(conditions)


@st.composite
def ruled_models(draw: st.DrawFn) -> ModelPrices:
    """Draw a model whose input has a price for every call, and more for some."""
    rates = [
        Rate(name, draw(units), "tokens", draw(prices)) for name in DIMENSIONS[::2]
    ]
    for when in draw(st.lists(whens(), max_size=8)):
        dimension = draw(st.sampled_from(DIMENSIONS))
        rate = Rate(dimension, draw(units), "tokens", draw(prices), when)
        rates = _with(rates, rate)
    order = draw(st.permutations(rates))
    return ModelPrices("m", tuple(order), draw(bands), draw(_minimums()))


def _with(rates: list[Rate], rate: Rate) -> list[Rate]:
    """Add a rate where none there could price the same call as it."""
    try:
        ModelPrices("m", (*rates, rate))
    except CardError:
        return rates
    return [*rates, rate]


def _minimums() -> st.SearchStrategy[Minimum | None]:
    return st.one_of(st.none(), st.builds(Minimum, prices))


@st.composite
def calls(draw: st.DrawFn) -> dict[str, object]:
    """Draw the properties of a call of such a model."""
    stated = draw(st.lists(st.sampled_from(DIMENSIONS), min_size=1, unique=True))
    call: dict[str, object] = {name: draw(counts) for name in stated}
    for name, values in (("service_class", CLASSES), ("region", REGIONS)):
        value = draw(st.one_of(st.none(), st.sampled_from(values)))
        if value:
            call[name] = value
    return call


def discounts() -> st.SearchStrategy[Decimal]:
    return st.decimals(0, 100, places=4)


def random_call(random: Random) -> tuple[dict[str, object], datetime]:
    """Make the properties of a call and its time, much faster than they are drawn."""
    stated = random.sample(DIMENSIONS, random.randint(1, len(DIMENSIONS)))
    call: dict[str, object] = {name: _random_count(random) for name in stated}
    for name, values in (("service_class", CLASSES), ("region", REGIONS)):
        value = random.choice([None, *values])
        if value:
            call[name] = value
    return call, WEEK_START + timedelta(seconds=random.randrange(10**7))


def _random_count(random: Random) -> int | Decimal:
    """Make a count near the bounds of bands and conditions, or anywhere."""
    edge = random.choice([0, 1, 50, 99, 100, 101, 200_000, 200_001])
    fraction = Decimal(random.randrange(10**9)).scaleb(-6)
    counts: list[int | Decimal] = [edge, random.randrange(10**9), fraction]
    return random.choice(counts)
