from billing.admin import (
    backtests,
    corrections,
    customers,
    holds,
    limits,
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
    "limits",
    "notices",
    "people",
    "prices",
    "terms",
    "usage",
    "versions",
]
