"""Debiting and storing a batch of priced events: wallets, events, charges, rollups."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing import exact_json
from billing.periods import billing_period
from billing.services.accounts import read_closed_until
from billing.services.events import Outcome, Status
from billing.services.rating import PricedItem
from billing.services.rollups import Rollups
from ledger.database import copy_rows
from ledger.posting import Cause, OpenWallet, lock_wallets, write_entries

ACTOR = "metering"
_EVENT_COLUMNS = (
    "id, customer_id, idempotency_key, event_name, model, occurred_at, recorded_at,"
    " properties, version_id, amount, balance_after, period_start, first_entry,"
    " last_entry"
)
_CHARGE_COLUMNS = (
    "event_id, customer_id, rate_id, band_id, model, dimension, quantity, unit,"
    " unit_name, unit_price, multiplier, amount, period_start, occurred_at, recorded_at"
)


class _Writer:
    """The rows that a batch adds, gathered event by event."""

    def __init__(self, received_at: datetime) -> None:
        self.received_at = received_at
        self.events: list[tuple[Any, ...]] = []
        self.charges: list[tuple[Any, ...]] = []
        self.rollups = Rollups()

    def add(
        self, priced: PricedItem, wallet: OpenWallet, closed_until: datetime | None
    ) -> Decimal:
        """Debit one event; returns what is left to spend."""
        account, event = priced.item.account, priced.item.event
        period = billing_period(
            event.occurred_at, account.zone, closed_until=closed_until
        )
        before = wallet.sequence
        why = Cause(f"event:{event.idempotency_key}", ACTOR, event.occurred_at)
        parts = wallet.spend(priced.amount, why) if priced.amount else []
        balance = wallet.available(self.received_at)
        entries = (before + 1, wallet.sequence) if parts else (None, None)
        self._add_event(priced, wallet, balance, period.start, entries)
        self._add_charges(priced, wallet, period.start)
        day = event.occurred_at.astimezone(account.zone).date()
        self._roll_up(priced, period.start, day, parts)
        return balance

    def _add_event(
        self,
        priced: PricedItem,
        wallet: OpenWallet,
        balance: Decimal,
        period_start: datetime,
        entries: tuple[int | None, int | None],
    ) -> None:
        item, event = priced.item, priced.item.event
        self.events.append(
            (
                item.event_id,
                item.account.id,
                event.idempotency_key,
                event.event_name,
                priced.model,
                event.occurred_at,
                wallet.recorded_at,
                exact_json.encode(event.properties).decode(),
                priced.version_id,
                priced.amount,
                balance,
                period_start,
                *entries,
            )
        )

    def _add_charges(
        self, priced: PricedItem, wallet: OpenWallet, period_start: datetime
    ) -> None:
        item = priced.item
        self.charges.extend(
            (
                item.event_id,
                item.account.id,
                charge.rate_id,
                charge.band_id,
                priced.model,
                charge.dimension,
                charge.quantity,
                charge.unit,
                charge.unit_name,
                charge.unit_price,
                charge.multiplier,
                charge.amount,
                period_start,
                item.event.occurred_at,
                wallet.recorded_at,
            )
            for charge in priced.charges
        )

    def _roll_up(
        self,
        priced: PricedItem,
        period_start: datetime,
        day: date,
        parts: list[tuple[int | None, Decimal]],
    ) -> None:
        customer_id = priced.item.account.id
        counted: set[tuple[int | None, int | None]] = set()
        for charge in priced.charges:
            # A part without a rate of its own is priced by another's: still one call.
            place = (charge.rate_id, charge.band_id)
            key = (customer_id, period_start, day, priced.model, *place)
            self.rollups.add_charge(key, charge, is_new_call=place not in counted)
            counted.add(place)
        for lot_id, amount in parts:
            self.rollups.add_funding(customer_id, period_start, lot_id, amount)

    def write(self) -> None:
        """Store everything that was gathered."""
        copy_rows("billing_usageevent", _EVENT_COLUMNS, self.events)
        copy_rows("billing_charge", _CHARGE_COLUMNS, self.charges)
        self.rollups.write()


def store_priced(
    items: Iterable[PricedItem], *, received_at: datetime
) -> dict[int, Outcome]:
    """Debit priced events from their wallets and store them with their charges."""
    priced = list(items)
    wallets = lock_wallets(each.item.account.wallet_id for each in priced)
    closed_until = read_closed_until(each.item.account.id for each in priced)
    writer = _Writer(received_at)
    outcomes: dict[int, Outcome] = {}
    for each in priced:
        account = each.item.account
        wallet = wallets[account.wallet_id]
        balance = writer.add(each, wallet, closed_until[account.id])
        outcomes[each.item.index] = _accepted(each, balance)
    write_entries(wallets.values())
    writer.write()
    return outcomes


def _accepted(priced: PricedItem, balance: Decimal) -> Outcome:
    return Outcome(
        status=Status.ACCEPTED,
        idempotency_key=priced.item.event.idempotency_key,
        cost=priced.amount,
        balance=balance,
        currency=priced.item.account.currency,
    )
