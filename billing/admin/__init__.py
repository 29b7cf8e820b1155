from billing.admin import customers, people, prices, terms, usage

__all__ = ["customers", "people", "prices", "terms", "usage"]
