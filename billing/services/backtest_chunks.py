"""Doing one chunk of a backtest: pricing its usage again and adding up what differs."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import connection, transaction
from django.db.models import F

from billing.models import Backtest, BacktestChunk
from billing.models.backtests import BacktestStatus, GapKind
from billing.pricing.period_sums import Owed, list_owed
from billing.pricing.rating import CompiledCard, compile_card
from billing.queries.accounts import Account, find_accounts
from billing.queries.backtest_planning import list_versions
from billing.queries.cards import load_card
from billing.queries.price_book import PriceBook, compiled_version, open_price_book
from billing.queries.priced_usage import Usage
from billing.queries.repriced import Repriced
from billing.queries.repricing import Repricer
from ledger.database import as_json_rows
from ledger.money import as_text

# Chunks of one customer add to the same rows; in one order, so without a deadlock.
_ADD_LINES = """
    INSERT INTO billing_backtestline AS line
        (backtest_id, customer_id, model, dimension, calls, quantity, before, after)
    SELECT * FROM jsonb_to_recordset(%s) AS added
        (backtest_id bigint, customer_id bigint, model text, dimension text,
         calls bigint, quantity numeric, before numeric, after numeric)
    ORDER BY model, dimension
    ON CONFLICT (backtest_id, customer_id, model, dimension) DO UPDATE SET
        calls = line.calls + EXCLUDED.calls,
        quantity = line.quantity + EXCLUDED.quantity,
        before = line.before + EXCLUDED.before,
        after = line.after + EXCLUDED.after
"""
_ADD_GAPS = """
    INSERT INTO billing_backtestgap AS gap
        (backtest_id, customer_id, kind, model, reason, detail, calls, before, after)
    SELECT * FROM jsonb_to_recordset(%s) AS added
        (backtest_id bigint, customer_id bigint, kind text, model text, reason text,
         detail text, calls bigint, before numeric, after numeric)
    ORDER BY kind, model, reason
    ON CONFLICT (backtest_id, customer_id, kind, model, reason) DO UPDATE SET
        calls = gap.calls + EXCLUDED.calls,
        before = gap.before + EXCLUDED.before,
        after = gap.after + EXCLUDED.after
"""


def run_chunk(*, chunk_id: int, at: datetime) -> int:
    """Do one chunk of a backtest; returns how many events were priced again.

    A chunk that is done, or that another worker has in hand, is left alone. If this
    process dies nothing of it is kept but the attempt, and anybody may do it again.
    """
    if not _begin(chunk_id=chunk_id, at=at):
        return 0
    return _do(chunk_id=chunk_id, at=at)


@transaction.atomic
def _begin(*, chunk_id: int, at: datetime) -> bool:
    """Count an attempt, which stays counted if the process dies."""
    chunk = _lock(chunk_id)
    if chunk is None:
        return False
    BacktestChunk.objects.filter(pk=chunk.pk).update(
        attempts=F("attempts") + 1, queued_at=at
    )
    return True


@transaction.atomic
def _do(*, chunk_id: int, at: datetime) -> int:
    """Price a chunk's usage and count it, in one step."""
    chunk = _lock(chunk_id)
    if chunk is None:
        return 0
    repriced = _reprice(chunk)
    _store(chunk, repriced)
    _count(chunk, repriced, at)
    return repriced.calls


def _lock(chunk_id: int) -> BacktestChunk | None:
    """Return a chunk that is to be done and in nobody else's hands."""
    waiting = BacktestChunk.objects.filter(
        pk=chunk_id, done_at__isnull=True, backtest__status=BacktestStatus.RUNNING
    )
    related = waiting.select_related("backtest__version", "customer")
    return related.select_for_update(skip_locked=True, of=("self",)).first()


@dataclass(frozen=True, slots=True)
class _Trial:
    """A version in the place of its card, among the cards of one customer."""

    account: Account
    rate_card_id: int
    card: CompiledCard
    book: PriceBook

    def is_asked(self, model: str, at: datetime) -> bool:
        """Tell whether a call would be priced on this card, and no card before it."""
        cards = self.account.cards_at(at)
        if self.rate_card_id not in cards:
            return False
        earlier = cards[: cards.index(self.rate_card_id)]
        found = self.book.find_prices(earlier, at, model)
        return found is None or found.card.find_model(model) is None

    def find_instead(self, model: str, at: datetime) -> CompiledCard | None:
        """Return the prices of a model that this card has not, on the next that has."""
        cards = self.account.cards_at(at)
        if self.rate_card_id not in cards:
            return None
        later = cards[cards.index(self.rate_card_id) + 1 :]
        found = self.book.find_prices(later, at, model)
        return found and found.card

    def list_owed(self, at: datetime) -> Owed:
        """Return what a period that ends now owes even unused, by this version."""
        cards = self.account.cards_at(at)
        is_in_force = self.rate_card_id in cards
        if not is_in_force or self.card.currency != self.account.currency:
            return {}
        earlier = cards[: cards.index(self.rate_card_id)]
        versions = [self.book.find_version(card, at) for card in earlier]
        others = [compiled_version(version) for version in versions if version]
        return list_owed(
            self.card, but={name for card in others for name in card.models}
        )


def _reprice(chunk: BacktestChunk) -> Repriced:
    backtest, name = chunk.backtest, chunk.customer.external_id
    account = find_accounts([name])[name]
    rate_card_id = backtest.version.rate_card_id
    card = _compiled(backtest.pk, backtest.version_id)
    trial = _Trial(account, rate_card_id, card, open_price_book([account]))
    repricer = Repricer(
        account=account,
        card=card,
        find_instead=trial.find_instead,
        is_asked=trial.is_asked,
        list_owed=trial.list_owed,
    )
    usage = Usage(
        customer_id=account.id,
        start=chunk.period_start,
        end=chunk.period_end,
        versions=list_versions(backtest),
        billed_in=chunk.billed_in,
        with_quarantined=True,
    )
    # Where the version does not depend on the period, its usage is cut by time, and
    # this is about what was charged at the period's end.
    is_usage = chunk.billed_in is None or card.has_period_prices
    (repricer.add if is_usage else repricer.true_up)(usage)
    return repricer.result


@lru_cache(maxsize=8)
def _compiled(_backtest_id: int, version_id: int) -> CompiledCard:
    """Return a version ready for rating; a draft is kept for one backtest only."""
    return compile_card(load_card(version_id))


def _store(chunk: BacktestChunk, repriced: Repriced) -> None:
    of = {"backtest_id": chunk.backtest_id, "customer_id": chunk.customer_id}
    lines = [
        of
        | key._asdict()
        | {"calls": line.calls, "quantity": as_text(line.quantity)}
        | {"before": as_text(line.before), "after": as_text(line.after)}
        for key, line in repriced.lines.items()
    ]
    gaps = [
        of
        | {"kind": GapKind.QUARANTINED if key.is_quarantined else GapKind.UNPRICED}
        | {"model": key.model, "reason": key.reason}
        | {"detail": gap.detail, "calls": gap.calls}
        | {"before": as_text(gap.before), "after": as_text(gap.after)}
        for key, gap in repriced.gaps.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD_LINES, [as_json_rows(lines)])
        cursor.execute(_ADD_GAPS, [as_json_rows(gaps)])


def _count(chunk: BacktestChunk, repriced: Repriced, at: datetime) -> None:
    """Mark a chunk as done, and its backtest with the last one."""
    backtest = Backtest.objects.filter(pk=chunk.backtest_id)
    # It waits here for others that end now, and so sees theirs as done below. Usage
    # that came since the planning is in the chunk and not in the total yet.
    backtest.update(
        events_total=F("events_total") + repriced.calls - chunk.events,
        events_done=F("events_done") + repriced.calls,
        events_unpriced=F("events_unpriced") + repriced.unpriced,
    )
    chunk.events, chunk.done_at = repriced.calls, at
    chunk.save(update_fields=["events", "done_at"])
    left = BacktestChunk.objects.filter(
        backtest=chunk.backtest_id, done_at__isnull=True
    )
    if not left.exists():
        backtest.filter(status=BacktestStatus.RUNNING).update(
            status=BacktestStatus.DONE, finished_at=at
        )
