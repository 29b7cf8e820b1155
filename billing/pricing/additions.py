"""Own the question whether a card only adds to another. Nothing here rates."""

from billing.pricing.card import Card, ModelPrices
from billing.pricing.dimensions import REQUESTS, is_dimension


def only_adds(later: Card, *, to: Card) -> bool:
    """Tell whether every call that a card could price costs the same on a later one.

    New are only models, rates without which a call that needed them was refused, and
    bands above the last.
    """
    models = {prices.model: prices for prices in later.models}
    return all(
        earlier.model in models and _extends(models[earlier.model], earlier)
        for earlier in to.models
    )


def _extends(later: ModelPrices, earlier: ModelPrices) -> bool:
    """Tell the same of one model."""
    if not set(later.rates) >= set(earlier.rates):
        return False
    if bool(later.bands) != bool(earlier.bands):
        return False
    if later.bands[: len(earlier.bands)] != earlier.bands:
        return False
    added = set(later.rates) - set(earlier.rates)
    return all(_was_refused_without(rate.dimension) for rate in added)


def _was_refused_without(dimension: str) -> bool:
    """Tell whether no call with some of a dimension was priced without its rate."""
    # A call that states no requests is one, so their rate changes its price.
    return is_dimension(dimension) and dimension != REQUESTS
