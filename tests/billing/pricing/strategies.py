"""Generated cards, as wide as `billing.pricing.card` allows."""

from typing import Final

from hypothesis import strategies as st

from billing.pricing.card import Band, Card, ModelPrices, Rate

DIMENSIONS: Final = ("input_tokens", "output_tokens", "images", "requests")

prices = st.decimals(0, 10**6, places=12)
multipliers = st.decimals("0.000001", 1000, places=6)
units = st.one_of(st.sampled_from([1, 3, 60, 1000, 10**6]), st.integers(1, 10**12))
quantities = st.one_of(st.integers(0, 10**9), st.decimals(0, 10**9, places=18))
bands = st.lists(
    st.builds(Band, st.integers(1, 10**12), multipliers),
    max_size=4,
    unique_by=lambda band: band.max_tokens,
).map(lambda items: tuple(sorted(items, key=lambda band: band.max_tokens or 0)))


@st.composite
def models(draw: st.DrawFn, name: str = "text-gen-v3") -> ModelPrices:
    """Draw the prices of one model with one to four rates."""
    chosen = draw(st.lists(st.sampled_from(DIMENSIONS), min_size=1, unique=True))
    unit_names = st.sampled_from(["tokens", "image", "audio seconds"])
    rates = tuple(
        Rate(dimension, draw(units), draw(unit_names), draw(prices))
        for dimension in chosen
    )
    return ModelPrices(name, rates, draw(bands))


@st.composite
def cards(draw: st.DrawFn) -> Card:
    """Draw a card of one to three models under names of every printable kind."""
    letters = st.characters(exclude_categories=["C", "Z"])
    names = st.text(st.one_of(letters, st.just(" ")), min_size=1, max_size=20)
    usable = names.map(str.strip).filter(lambda name: name.isprintable() and name)
    chosen = draw(st.lists(usable, min_size=1, max_size=3, unique=True))
    currency = draw(st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
    return Card(currency, tuple(draw(models(name)) for name in chosen))
