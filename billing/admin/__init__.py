from billing.admin import customers, people, prices, terms, usage, versions

__all__ = ["customers", "people", "prices", "terms", "usage", "versions"]
