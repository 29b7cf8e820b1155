"""Tokens as PostgreSQL counts them, held against how pricing reads the same events."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.pricing.dimensions import FALLBACKS
from billing.pricing.usage import read_usage
from billing.queries.stated_tokens import tokens_sql
from ledger.money import ZERO, total
from tests.billing.pricing.oracles import usage_payloads

pytestmark = pytest.mark.django_db


def counted(*events: dict[str, Any]) -> list[Decimal]:
    rows = json.dumps(events, default=str)
    sql = f"""
        SELECT {tokens_sql("event")}
        FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS posted (event, place)
        ORDER BY place
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [rows])
        return [row[0] for row in cursor.fetchall()]


def priced(event: dict[str, Any]) -> Decimal:
    parts = read_usage(event)
    return total(Decimal(str(parts.get(name, ZERO))) for name in FALLBACKS)


def test_every_usage_block_counts_as_it_is_priced() -> None:
    events = [{"usage": payload["body"]} for payload in usage_payloads()]

    different = [
        event
        for event, tokens in zip(events, counted(*events), strict=True)
        if tokens != priced(event)
    ]

    assert len(events) == 161
    assert different == []


@pytest.mark.parametrize(
    ("event", "tokens"),
    [
        ({"input_tokens": 412, "output_tokens": 1083}, 1495),
        ({"input_tokens": 10, "cached_input_tokens": 5}, 15),
        (
            {"input_tokens": 10, "cached_input_tokens": 5, "input_is_total": True},
            10,
        ),
        (
            {"input_tokens": 10, "cached_input_tokens": 5, "input_is_total": "true"},
            10,
        ),
        (
            {"output_tokens": 10, "reasoning_tokens": 5, "output_is_total": True},
            10,
        ),
        ({"output_tokens": 10, "reasoning_tokens": 5}, 15),
        ({"input_tokens": "412", "output_tokens": "0.5"}, Decimal("412.5")),
        ({"input_tokens": 1, "usage": None}, 1),
        ({"images": 3, "model": "draw", "latency_ms": 20}, 0),
    ],
)
def test_tokens_count_as_they_are_priced(
    event: dict[str, Any], tokens: int | Decimal
) -> None:
    assert counted(event) == [tokens]
    assert priced(event) == tokens


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"input_tokens": "many"},
        {"input_tokens": None},
        {"input_tokens": [1]},
        {"input_tokens": "9" * 400},
        {"usage": "none"},
    ],
)
def test_what_is_no_number_counts_nothing(event: dict[str, Any]) -> None:
    assert counted(event) == [0]
