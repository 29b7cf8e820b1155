"""Debiting and storing a batch of priced events: wallets, events, charges, rollups."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing import exact_json
from billing.services.events import Outcome, Status
from billing.services.locking import LockedBooks
from billing.services.rating import PricedItem
from billing.services.rollups import KeyDay, Rollups, UsageKey
from ledger.database import copy_rows
from ledger.posting import Cause, OpenWallet, write_entries

ACTOR = "metering"
_EVENT_COLUMNS = (
    "id, customer_id, api_key_id, idempotency_key, event_name, model, occurred_at,"
    " recorded_at, properties, version_id, amount, waived, balance_after, period_start,"
    " first_entry, last_entry"
)
_CHARGE_COLUMNS = (
    "event_id, customer_id, rate_id, band_id, model, dimension, quantity, unit,"
    " unit_name, unit_price, multiplier, tier, billed, flat, discount, amount,"
    " period_start, occurred_at, recorded_at"
)


class EventWriter:
    """The rows that a batch adds, gathered event by event."""

    def __init__(self, received_at: datetime) -> None:
        self.received_at = received_at
        self.events: list[tuple[Any, ...]] = []
        self.charges: list[tuple[Any, ...]] = []
        self.rollups = Rollups()

    def add(self, priced: PricedItem, wallet: OpenWallet) -> Decimal:
        """Debit one event; returns what is left to spend."""
        account, event = priced.item.account, priced.item.event
        before = wallet.sequence
        why = Cause(f"event:{event.idempotency_key}", ACTOR, event.occurred_at)
        parts = wallet.spend(priced.amount, why) if priced.amount else []
        balance = wallet.available(self.received_at)
        entries = (before + 1, wallet.sequence) if parts else (None, None)
        self._add_event(priced, wallet, balance, entries)
        self._add_charges(priced, wallet)
        day = event.occurred_at.astimezone(account.zone).date()
        self._roll_up(priced, day, parts)
        return balance

    def _add_event(
        self,
        priced: PricedItem,
        wallet: OpenWallet,
        balance: Decimal,
        entries: tuple[int | None, int | None],
    ) -> None:
        item, event = priced.item, priced.item.event
        self.events.append(
            (
                item.event_id,
                item.account.id,
                item.api_key_id,
                event.idempotency_key,
                event.event_name,
                priced.model,
                event.occurred_at,
                wallet.recorded_at,
                exact_json.encode(event.properties).decode(),
                priced.version_id,
                priced.amount,
                priced.waived,
                balance,
                priced.period.start,
                *entries,
            )
        )

    def _add_charges(self, priced: PricedItem, wallet: OpenWallet) -> None:
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
                charge.tier,
                charge.billed,
                charge.flat or None,
                charge.discount,
                charge.amount,
                priced.period.start,
                item.event.occurred_at,
                wallet.recorded_at,
            )
            for charge in priced.charges
        )

    def _roll_up(
        self,
        priced: PricedItem,
        day: date,
        parts: list[tuple[int | None, Decimal]],
    ) -> None:
        customer_id, period_start = priced.item.account.id, priced.period.start
        counted: set[tuple[int | None, ...]] = set()
        for charge in priced.charges:
            # A part without a rate of its own is priced by another's: still one call.
            place = (charge.rate_id, charge.band_id, charge.tier)
            key = UsageKey(
                customer_id,
                period_start,
                day,
                priced.model,
                *place,
                charge.discount,
            )
            self.rollups.add_usage(
                key, int(place not in counted), charge.quantity, charge.amount
            )
            counted.add(place)
        key_id = priced.item.api_key_id
        if key_id is not None:
            spent_on = KeyDay(customer_id, key_id, day, priced.model)
            self.rollups.add_key_usage(spent_on, 1, priced.amount)
        for lot_id, amount in parts:
            self.rollups.add_funding(customer_id, period_start, lot_id, amount)

    def write(self) -> None:
        """Store everything that was gathered."""
        copy_rows("billing_usageevent", _EVENT_COLUMNS, self.events)
        copy_rows("billing_charge", _CHARGE_COLUMNS, self.charges)
        self.rollups.write()


def store_priced(
    priced: Iterable[PricedItem], books: LockedBooks, *, received_at: datetime
) -> dict[int, Outcome]:
    """Debit priced events from their wallets and store them with their charges."""
    writer = EventWriter(received_at)
    outcomes: dict[int, Outcome] = {}
    for each in priced:
        balance = writer.add(each, books.wallet_of(each.item.account))
        outcomes[each.item.index] = _accepted(each, balance)
    write_entries(books.wallets.values())
    writer.write()
    return outcomes


def _accepted(priced: PricedItem, balance: Decimal) -> Outcome:
    return Outcome(
        status=Status.ACCEPTED,
        idempotency_key=priced.item.event.idempotency_key,
        cost=priced.amount,
        balance=balance,
        currency=priced.item.account.currency,
        warning=priced.item.account.allowance.find_breach(balance),
        waived=priced.waived,
        recorded=priced.item.event,
    )
