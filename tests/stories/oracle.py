"""An independent price of the demo's traffic: fractions, and prices typed again."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

ZONES = {
    "cus_northwind": ZoneInfo("America/New_York"),
    "cus_fabrikam": ZoneInfo("Europe/Berlin"),
    "cus_ada": ZoneInfo("Europe/London"),
}
# Dollars per token in and out, and the multipliers by context.
TEXT_GEN = (Fraction(3, 1_000_000), Fraction(12, 1_000_000))
OPUS = (Fraction(5, 1_000_000), Fraction(25, 1_000_000))
SONNET = (Fraction(3, 1_000_000), Fraction(15, 1_000_000))
PRICES = {
    "text-gen-v3": TEXT_GEN,
    "claude-opus-4-7": OPUS,
    "claude-opus-4-6": OPUS,
    "claude-sonnet-4-6": SONNET,
}

Line = tuple[str, str, str, str, Fraction]


def price_lines(events: Iterable[dict[str, Any]]) -> dict[Line, Fraction]:
    """Sum by customer, month, model, dimension and multiplier."""
    sums: defaultdict[Line, Fraction] = defaultdict(Fraction)
    for event in events:
        used = event["properties"]
        multiplier = _multiplier(used["model"], used["input_tokens"])
        customer = event["customer_id"]
        month = _month(event["timestamp"], ZONES[customer])
        per_input, per_output = PRICES[used["model"]]
        place = (customer, month, used["model"])
        sums[*place, "input_tokens", multiplier] += (
            used["input_tokens"] * per_input * multiplier
        )
        sums[*place, "output_tokens", multiplier] += (
            used["output_tokens"] * per_output * multiplier
        )
    return dict(sums)


def _multiplier(model: str, context: int) -> Fraction:
    if model != "text-gen-v3":
        return Fraction(1) if context <= 200_000 else Fraction(2)
    if context <= 8_192:
        return Fraction(1)
    return Fraction(18, 10) if context <= 32_768 else Fraction(32, 10)


def _month(timestamp: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(timestamp).astimezone(zone):%Y-%m}"
