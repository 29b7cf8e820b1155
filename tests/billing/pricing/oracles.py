"""What others say that a call costs, as the files of `tests/data` have it."""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from billing.pricing.catalogue import Catalogue, card_from_catalogue
from billing.pricing.rating import CompiledCard, compile_card, rate_usage
from ledger.money import total

ROOT: Final = Path(__file__).resolve().parents[3]
PRICES: Final = ROOT / "tests/data/prices"
TRACES: Final = ROOT / "tests/data/traces"
DEMO: Final = ROOT / "config/demo/data"

TOTALS: Final = {"input_is_total": True, "output_is_total": True}
_NAMES: Final = {
    "cache_read_tokens": "cached_input_tokens",
    "input_audio_tokens": "audio_input_tokens",
    "output_audio_tokens": "audio_output_tokens",
}


@cache
def catalogue() -> Catalogue:
    data = json.loads((PRICES / "models.json").read_text())
    return card_from_catalogue(data, markup=Decimal(1), currency="USD")


@cache
def catalogue_card() -> CompiledCard:
    return compile_card(catalogue().card)


def example_costs() -> list[dict[str, str]]:
    with (PRICES / "example_costs.csv").open() as file:
        return list(csv.DictReader(file))


def cost_of(row: Mapping[str, str], card: CompiledCard) -> Decimal:
    usage = as_event(json.loads(row["usage_json"]))
    at = datetime.fromisoformat(row["timestamp_utc"])
    lines = rate_usage(card, row["model"], usage, at)
    return total(line.amount for line in lines)


def as_event(usage: Mapping[str, int]) -> dict[str, object]:
    return {**{_NAMES.get(name, name): usage[name] for name in usage}, **TOTALS}


def usage_payloads() -> list[dict[str, Any]]:
    with gzip.open(PRICES / "usage_payloads.jsonl.gz", "rt") as lines:
        return [json.loads(line, parse_float=Decimal) for line in lines]


def trace(name: str) -> Iterator[dict[str, str]]:
    folder = TRACES if (TRACES / name).exists() else DEMO
    with gzip.open(folder / name, "rt") as file:
        yield from csv.DictReader(file)
