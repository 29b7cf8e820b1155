from billing.admin import (
    backtests,
    corrections,
    customers,
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
    "people",
    "prices",
    "terms",
    "usage",
    "versions",
]
