import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.pricing.rating import CompiledCard, compile_card, rate_usage
from billing.pricing.versions import select_version
from billing.pricing.yaml_form import parse_card
from ledger.money import total
from tests.billing.pricing.oracles import TRACES, catalogue_card, trace

TOTALS = json.loads((TRACES / "totals.json").read_text())["totals"]
OURS = {"gemini-2.5-pro": "gemini/gemini-2.5-pro"}

FLAT = """\
model: claude-opus-4-6
rates:
  - dimension: input_tokens
    unit: 1000000 tokens
    price_usd: 5
  - dimension: output_tokens
    unit: 1000000 tokens
    price_usd: 25
"""
DOUBLED = f"""{FLAT}\
  - dimension: input_tokens
    unit: 1000000 tokens
    price_usd: 10
    when:
      context_above: 200000
  - dimension: output_tokens
    unit: 1000000 tokens
    price_usd: 37.5
    when:
      context_above: 200000
"""
VERSIONS = [
    (datetime.fromisoformat("2026-02-05"), compile_card(parse_card(DOUBLED))),
    (datetime.fromisoformat("2026-03-13"), compile_card(parse_card(FLAT))),
]


def price_list(model: str, day: str) -> CompiledCard:
    if model != "claude-opus-4-6":
        return catalogue_card()
    card = select_version(VERSIONS, datetime.fromisoformat(day))
    assert card
    return card


def events(file: str, model: str) -> Iterator[dict[str, object]]:
    for row in trace(file):
        if not model.startswith("claude") or row.get("model", model) == model:
            cached = row.get("cached_input_tokens_derived", "0")
            yield {
                "input_tokens": row["input_tokens"],
                "cached_input_tokens": cached,
                "output_tokens": row["output_tokens"],
                "input_is_total": True,
            }


@pytest.mark.parametrize(
    "case", TOTALS, ids=lambda each: f"{each['priced_as']} {each['at']} {each['file']}"
)
def test_a_trace_costs_what_another_package_says(case: dict[str, Any]) -> None:
    name = case["priced_as"].partition("/")[2]
    card, model = price_list(name, case["at"]), OURS.get(name, name)

    lines = [rate_usage(card, model, event) for event in events(case["file"], name)]

    assert len(lines) == case["rows"]
    amounts = (line.amount for each in lines for line in each)
    assert total(amounts) == Decimal(case["total_usd"])
