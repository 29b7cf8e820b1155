from billing.admin import (
    backtests,
    customers,
    people,
    prices,
    terms,
    usage,
    versions,
)

__all__ = [
    "backtests",
    "customers",
    "people",
    "prices",
    "terms",
    "usage",
    "versions",
]
