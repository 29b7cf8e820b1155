"""The books by month: what was sold, used, given away and owed. Nothing here writes.

A month is a calendar month in UTC of when entries were recorded: since they are only
ever added, a month that is over never changes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeVar

from django.db import connection

from ledger.models import Book
from ledger.money import WIDE, ZERO, total

_DECEMBER = 12

# What credits of a purchased lot are worth is what was paid for them. Each movement is
# the difference of two rounded remainders, so that no sum of them drifts; a price of up
# to 18 decimals per credit is exact.
_WORTH = "round({} * lot.price_paid / lot.granted, 36)"
_PART = """
    CASE WHEN lot.id IS NULL THEN 'receivable' WHEN lot.source = 'purchase'
        THEN 'deferred' ELSE 'promotion' END
"""
# Counted back from what lots and wallets hold now, so that only the months asked for
# are read, and all of it in one statement, so that it is of one moment.
_MONTHS = f"""
    WITH moved AS (
        SELECT wallet_id, lot_id, book, kind = 'grant' AS is_grant,
            date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date AS month,
            sum(amount) AS amount
        FROM ledger_entry WHERE recorded_at >= %(since)s::timestamptz
        GROUP BY wallet_id, lot_id, book, is_grant, month
    ), placed AS (
        SELECT *, coalesce(sum(amount) OVER (
            PARTITION BY lot_id ORDER BY month, book, is_grant
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ), 0) AS later
        FROM moved
    ), worth AS (
        SELECT wallet.currency, month, {_PART} AS part, book, is_grant,
            CASE WHEN lot.id IS NULL THEN -amount WHEN lot.source = 'purchase'
                THEN {_WORTH.format("(lot.remaining - later)")}
                - {_WORTH.format("(lot.remaining - later - amount)")}
                ELSE amount END AS amount
        FROM placed
        JOIN ledger_wallet AS wallet ON wallet.id = wallet_id
        LEFT JOIN ledger_creditlot AS lot ON lot.id = lot_id
    ), held AS (
        SELECT wallet.currency, {_PART} AS part, CASE WHEN lot.source = 'purchase'
            THEN {_WORTH.format("lot.remaining")} ELSE lot.remaining END AS amount
        FROM ledger_creditlot AS lot
        JOIN ledger_wallet AS wallet ON wallet.id = lot.wallet_id
        UNION ALL
        SELECT wallet.currency, 'receivable', lot.remaining
        FROM ledger_creditlot AS lot
        JOIN ledger_wallet AS wallet ON wallet.id = lot.wallet_id
        UNION ALL
        SELECT currency, 'receivable', -balance FROM ledger_wallet
    )
    SELECT currency, month, part, book, is_grant, sum(amount)
    FROM worth GROUP BY currency, month, part, book, is_grant
    UNION ALL
    SELECT currency, NULL, part, '', false, sum(amount) FROM held
    GROUP BY currency, part
"""  # noqa: S608 - made of our own constants.


class Part(StrEnum):
    """What of the books an entry moves: purchased lots, free lots, or no lot."""

    DEFERRED = "deferred"
    PROMOTION = "promotion"
    RECEIVABLE = "receivable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Purchased credits not yet used, at the price paid for them.

    Each movement carries its sign: the opening and all of them are the closing.
    """

    opening: Decimal
    sold: Decimal = ZERO
    recognized: Decimal = ZERO
    breakage: Decimal = ZERO
    refunded: Decimal = ZERO
    settled: Decimal = ZERO
    closing: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Credits given for free, of which the closing is outstanding; in credits."""

    opening: Decimal
    granted: Decimal = ZERO
    used: Decimal = ZERO
    expired: Decimal = ZERO
    clawed_back: Decimal = ZERO
    settled: Decimal = ZERO
    closing: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivable:
    """What customers owe: the sum of all overdrafts."""

    opening: Decimal
    used: Decimal = ZERO
    clawed_back: Decimal = ZERO
    settled_by_credits: Decimal = ZERO
    settled_by_money: Decimal = ZERO
    closing: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMonth:
    """The books of one month in one currency."""

    currency: str
    month: date
    deferred: Deferred
    promotion: Promotion
    receivable: Receivable

    @property
    def revenue(self) -> Decimal:
        """The usage paid from purchased lots, and that put on wallets as overdraft."""
        return WIDE.subtract(self.receivable.used, self.deferred.recognized)

    @property
    def forgiven(self) -> Decimal:
        """What of overdrafts was settled by credits beyond what was paid for these.

        It is revenue that no money ever comes for: overdraft settled by free credits,
        and the discount on purchased ones.
        """
        return WIDE.subtract(self.deferred.settled, self.receivable.settled_by_credits)


class _Row(NamedTuple):
    """A movement of a month, or, without one, what is held now."""

    currency: str
    month: date | None
    part: str
    book: str
    is_grant: bool
    amount: Decimal


_Roll = TypeVar("_Roll", Deferred, Promotion, Receivable)

# By book, since a kind may be posted against several. What is not named here takes
# credits back.
_NAMES: Mapping[str, Mapping[str, str]] = {
    Part.DEFERRED: {
        Book.CASH: "sold",
        Book.CONSUMED: "recognized",
        Book.EXPIRED: "breakage",
        Book.RECEIVABLE: "settled",
    },
    Part.PROMOTION: {
        Book.CONSUMED: "used",
        Book.EXPIRED: "expired",
        Book.RECEIVABLE: "settled",
    },
    Part.RECEIVABLE: {
        Book.CONSUMED: "used",
        Book.RECEIVABLE: "settled_by_credits",
        Book.CASH: "settled_by_money",
    },
}
_TAKEN_BACK = {
    Part.DEFERRED: "refunded",
    Part.PROMOTION: "clawed_back",
    Part.RECEIVABLE: "clawed_back",
}


def list_months(*, since: datetime | None = None) -> list[BookMonth]:
    """Return the months with a movement and those between, newest first by currency.

    Those from `since` on, the first instant of a month in UTC; without it, all.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, {"since": since or "-infinity"})
        rows = [_Row(*row) for row in cursor]
    by_currency: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_currency[row.currency].append(row)
    return [
        month
        for currency in sorted(by_currency)
        for month in _roll_back(currency, by_currency[currency])
    ]


def _roll_back(currency: str, rows: list[_Row]) -> Iterator[BookMonth]:
    """Yield a currency's months, each closing with what the next one opens with."""
    closing = dict.fromkeys(Part, ZERO)
    moves: dict[date, dict[str, dict[str, Decimal]]] = {}
    for row in rows:
        if row.month is None:
            closing[Part(row.part)] = row.amount
        else:
            parts = moves.setdefault(row.month, {part: {} for part in Part})
            named, name = parts[row.part], _name(row)
            named[name] = WIDE.add(named.get(name, ZERO), row.amount)
    for month in _months_between(moves):
        parts = moves.get(month, {part: {} for part in Part})
        rolled = BookMonth(
            currency=currency,
            month=month,
            deferred=_roll(Deferred, parts, closing, Part.DEFERRED),
            promotion=_roll(Promotion, parts, closing, Part.PROMOTION),
            receivable=_roll(Receivable, parts, closing, Part.RECEIVABLE),
        )
        yield rolled


def _name(row: _Row) -> str:
    if row.part == Part.PROMOTION and row.is_grant:
        return "granted"
    part = Part(row.part)
    return _NAMES[part].get(row.book, _TAKEN_BACK[part])


def _roll(
    kind: Callable[..., _Roll],
    moves: Mapping[str, Mapping[str, Decimal]],
    closing: dict[Part, Decimal],
    part: Part,
) -> _Roll:
    """Work an opening out, which is the closing of the month before."""
    end = closing[part]
    closing[part] = WIDE.subtract(end, total(moves[part].values()))
    return kind(opening=closing[part], closing=end, **moves[part])


def _months_between(months: Mapping[date, object]) -> Iterator[date]:
    """Yield every month from the last one to the first."""
    if not months:
        return
    month, first = max(months), min(months)
    while month >= first:
        yield month
        month = _month_before(month)


def _month_before(month: date) -> date:
    if month.month == 1:
        return month.replace(year=month.year - 1, month=_DECEMBER)
    return month.replace(month=month.month - 1)
