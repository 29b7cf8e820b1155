"""Own the question whether a card only adds to another. Nothing here rates."""

from billing.pricing.card import DEFAULT_MODEL, Card, ModelPrices, Rate
from billing.pricing.conditions import ALWAYS
from billing.pricing.dimensions import FALLBACKS, REQUESTS, is_dimension


def only_adds(later: Card, *, to: Card) -> bool:
    """Tell whether every call that a card could price costs the same on a later one.

    New are only models, where no default priced them, rates without which a call that
    needed them was refused, and bands above the last.
    """
    models = {prices.model: prices for prices in later.models}
    known = {prices.model for prices in to.models}
    if DEFAULT_MODEL in known and models.keys() - known:
        return False
    return all(
        earlier.model in models and _extends(models[earlier.model], earlier)
        for earlier in to.models
    )


def _extends(later: ModelPrices, earlier: ModelPrices) -> bool:
    """Tell the same of one model."""
    if not set(later.rates) >= set(earlier.rates):
        return False
    if bool(later.bands) != bool(earlier.bands) or later.minimum != earlier.minimum:
        return False
    if later.bands[: len(earlier.bands)] != earlier.bands:
        return False
    priced = {rate.dimension for rate in earlier.rates}
    added = set(later.rates) - set(earlier.rates)
    return all(_was_refused_without(rate, priced) for rate in added)


def _was_refused_without(rate: Rate, priced: set[str]) -> bool:
    """Tell whether no call that a rate applies to was priced without it."""
    # A call that states no requests is one, so their rate changes its price.
    if not is_dimension(rate.dimension) or rate.dimension == REQUESTS:
        return False
    # Another rate of the dimension wins, if it applies, over one without conditions.
    if rate.dimension in priced and rate.when != ALWAYS:
        return False
    return priced.isdisjoint(_priced_instead(rate.dimension))


def _priced_instead(dimension: str) -> set[str]:
    """Return the dimensions whose rate prices what a dimension's rate would."""
    instead = set(FALLBACKS.get(dimension, ()))
    for candidates in FALLBACKS.values():
        if dimension in candidates:
            instead.update(candidates[candidates.index(dimension) + 1 :])
    return instead
