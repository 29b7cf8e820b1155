from billing.admin import customers, people, prices, usage

__all__ = ["customers", "people", "prices", "usage"]
