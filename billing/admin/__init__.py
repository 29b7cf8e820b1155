from billing.admin import (
    backtests,
    corrections,
    customers,
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
    "notices",
    "people",
    "prices",
    "terms",
    "usage",
    "versions",
]
