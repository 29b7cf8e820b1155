from billing.admin import (
    backtests,
    corrections,
    customers,
    holds,
    notices,
    people,
    prices,
    terms,
    usage,
    versions,
)

__all__ = [
    "backtests",
    "corrections",
    "customers",
    "holds",
    "notices",
    "people",
    "prices",
    "terms",
    "usage",
    "versions",
]
