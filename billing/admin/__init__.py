from billing.admin import (
    backtests,
    caps,
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
    "caps",
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
