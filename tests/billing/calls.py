"""Calls of customers to whom each token costs a dollar, as admission is asked."""

from collections.abc import Callable
from datetime import datetime

from billing.models import Customer
from billing.queries.admission import Call, Verdict
from billing.queries.callers import get_caller
from billing.services.admission import admit_call
from tests import make
from tests.billing import dollars
from tests.make import NOW

Lose = Callable[[], None]


def call_of(cost: int, key: str = "") -> Call:
    """Describe a call that costs that much at most, by a request id of its own."""
    stated = {"input_tokens": 0, "output_tokens": cost}
    key = key or f"req_{make.unique()}"
    return Call(request_id=key, model=dollars.MODEL, properties=stated)


def admit(
    customer: Customer, cost: int, key: str = "", *, at: datetime = NOW
) -> Verdict:
    """Ask for a call, and hold what it may cost if it may run."""
    caller = get_caller(customer.external_id)
    return admit_call(caller=caller, call=call_of(cost, key), at=at)
