"""Generated cards whose prices depend on the period."""

from decimal import Decimal

from hypothesis import strategies as st

from billing.pricing.card import Card, Minimum, ModelPrices, Rate
from billing.pricing.period_prices import PeriodMode, PeriodPrice
from billing.pricing.tiers import Tier
from tests.billing.pricing.strategies import bands, prices, units

quantities = st.one_of(st.integers(0, 30).map(Decimal), st.decimals(0, 30, places=3))
bounds = st.lists(st.decimals("0.001", 40, places=3), max_size=3, unique=True).map(
    sorted
)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Draw one to four tiers, the last of them without an end."""
    ends: list[Decimal | None] = [*draw(bounds), None]
    return tuple(Tier(end, draw(prices), draw(prices)) for end in ends)


@st.composite
def period_prices(draw: st.DrawFn) -> PeriodPrice:
    """Draw a price of any mode, often with something free."""
    mode = draw(st.sampled_from(PeriodMode))
    free = draw(quantities)
    least = draw(st.none() | prices)
    most = draw(st.none() | prices.map(lambda price: price + (least or 0)))
    if mode is PeriodMode.PACKAGE:
        return PeriodPrice(mode, (Tier(None, draw(prices)),), free, least, most)
    return PeriodPrice(mode, draw(tiers()), free, least, most)


@st.composite
def period_rates(draw: st.DrawFn, dimension: str = "images") -> Rate:
    """Draw a rate that depends on the period."""
    period = draw(period_prices())
    price = period.tiers[0].unit_price
    return Rate(dimension, draw(units), "images", price, period=period)


@st.composite
def period_cards(draw: st.DrawFn) -> Card:
    """Draw a card of one model, with plain rates and such that depend on the period."""
    rates = [draw(period_rates(name)) for name in ("images", "pages", "searches")]
    plain = Rate("input_tokens", draw(units), "tokens", draw(prices))
    least = draw(st.one_of(st.none(), st.builds(Minimum, prices)))
    model = ModelPrices("m", (plain, *rates), draw(bands), least)
    return Card("USD", (model,))
