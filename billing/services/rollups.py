"""Adding a batch to the running sums: a statement for each kind that it touches."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from ledger.database import as_json_rows
from ledger.money import WIDE, ZERO, as_text

# The rows belong to customers whose wallets are locked, so no two batches meet here.
_ADD_USAGE = """
    INSERT INTO billing_usagerollup AS rollup
        (customer_id, period_start, day, model, rate_id, band_id, tier, discount,
         corrects, calls, quantity, amount)
    SELECT * FROM jsonb_to_recordset(%s) AS added
        (customer_id bigint, period_start timestamptz, day date, model text,
         rate_id bigint, band_id bigint, tier smallint, discount numeric,
         corrects timestamptz, calls bigint, quantity numeric, amount numeric)
    ON CONFLICT (customer_id, period_start, day, model, rate_id, band_id, tier,
        discount, corrects) DO UPDATE SET
        calls = rollup.calls + EXCLUDED.calls,
        quantity = rollup.quantity + EXCLUDED.quantity,
        amount = rollup.amount + EXCLUDED.amount
"""
_ADD_KEY_USAGE = """
    INSERT INTO billing_keyrollup AS rollup
        (customer_id, api_key_id, day, model, calls, amount)
    SELECT * FROM jsonb_to_recordset(%s) AS added
        (customer_id bigint, api_key_id bigint, day date, model text, calls bigint,
         amount numeric)
    ON CONFLICT (customer_id, api_key_id, day, model) DO UPDATE SET
        calls = rollup.calls + EXCLUDED.calls,
        amount = rollup.amount + EXCLUDED.amount
"""
_ADD_FUNDING = """
    INSERT INTO billing_fundingrollup AS rollup
        (customer_id, period_start, lot_id, amount)
    SELECT * FROM jsonb_to_recordset(%s) AS added
        (customer_id bigint, period_start timestamptz, lot_id bigint, amount numeric)
    ON CONFLICT (customer_id, period_start, lot_id) DO UPDATE SET
        amount = rollup.amount + EXCLUDED.amount
"""


class UsageKey(NamedTuple):
    """What usage is added up by: two calls with equal keys are one sum."""

    customer_id: int
    period_start: datetime
    day: date
    model: str
    rate_id: int | None
    band_id: int | None
    tier: int | None
    discount: Decimal
    corrects: datetime | None = None


class KeyDay(NamedTuple):
    """What usage of an API key is added up by."""

    customer_id: int
    api_key_id: int
    day: date
    model: str


FundingKey = tuple[int, datetime, int | None]


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    quantity: Decimal = ZERO
    amount: Decimal = ZERO


class Rollups:
    """What a batch adds to each running sum."""

    def __init__(self) -> None:
        self._usage: defaultdict[UsageKey, _Sum] = defaultdict(_Sum)
        self._by_key: defaultdict[KeyDay, _Sum] = defaultdict(_Sum)
        self._funding: defaultdict[FundingKey, Decimal] = defaultdict(lambda: ZERO)

    def add_usage(
        self, key: UsageKey, calls: int, quantity: Decimal, amount: Decimal
    ) -> None:
        """Add what one charge counts: a call may have several with one key."""
        added = self._usage[key]
        added.calls += calls
        added.quantity = WIDE.add(added.quantity, quantity)
        added.amount = WIDE.add(added.amount, amount)

    def add_key_usage(self, key: KeyDay, calls: int, amount: Decimal) -> None:
        """Count whole calls to the API key that made them."""
        added = self._by_key[key]
        added.calls += calls
        added.amount = WIDE.add(added.amount, amount)

    def add_funding(
        self,
        customer_id: int,
        period_start: datetime,
        lot_id: int | None,
        amount: Decimal,
    ) -> None:
        """Count what one lot paid."""
        key = (customer_id, period_start, lot_id)
        self._funding[key] = WIDE.add(self._funding[key], amount)

    def write(self) -> None:
        """Add the sums to the stored ones."""
        with connection.cursor() as cursor:
            cursor.execute(_ADD_USAGE, [self._usage_rows()])
            cursor.execute(_ADD_FUNDING, [self._funding_rows()])
            if self._by_key:
                cursor.execute(_ADD_KEY_USAGE, [self._key_rows()])

    def _usage_rows(self) -> str:
        return as_json_rows(
            key._asdict()
            | {
                "discount": as_text(key.discount),
                "calls": added.calls,
                "quantity": as_text(added.quantity),
                "amount": as_text(added.amount),
            }
            for key, added in self._usage.items()
        )

    def _key_rows(self) -> str:
        return as_json_rows(
            key._asdict() | {"calls": added.calls, "amount": as_text(added.amount)}
            for key, added in self._by_key.items()
        )

    def _funding_rows(self) -> str:
        names = ("customer_id", "period_start", "lot_id")
        return as_json_rows(
            dict(zip(names, key, strict=True)) | {"amount": as_text(amount)}
            for key, amount in self._funding.items()
        )
