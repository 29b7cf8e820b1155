"""Correcting recorded events: the whole of one is taken back, and maybe replaced."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from billing.models import Correction, Customer, QuarantinedEvent, UsageEvent
from billing.models.corrections import CorrectionKind
from billing.queries.calls import list_charges
from billing.queries.corrections import (
    find_correction,
    find_replacement,
    list_correction_entries,
)
from billing.queries.price_book import open_price_book
from billing.services.alerts import follow_balance, spendable
from billing.services.claims import NewClaim, find_claims, take_claims
from billing.services.correctable import (
    NotCorrectableError,
    Subject,
    find_subject,
    is_open_stream,
)
from billing.services.events import Item, PostedEvent, new_item
from billing.services.locking import LockedBooks, lock_books
from billing.services.rating import PricedItem, price_items
from billing.services.reversing import take_back
from billing.services.storing import EventWriter
from ledger.burn_down import OpenLot
from ledger.models import Entry
from ledger.posting import Cause, write_entries
from ledger.queries import get_balance
from ledger.reversing import expire_again

_NEXT_ID = "SELECT nextval(pg_get_serial_sequence('billing_correction', 'id'))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Why an event is corrected, by whom and when."""

    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What stands instead of an event: a key of its own, and what the call was."""

    key: str
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction with the entries it made; `balance` is what may be spent now."""

    correction: Correction
    key: str
    entries: list[Entry]
    replacement: UsageEvent | None
    balance: Decimal
    currency: str


class AlreadyCorrectedError(NotCorrectableError):
    """Another correction has taken the event back, which happens once."""


class PeriodSettledError(NotCorrectableError):
    """The event's price depends on its period, which is closed and settled."""

    code = "period_settled"


class KeyTakenError(Exception):
    """The replacement's key holds another payload, or was posted by itself."""


class UnpriceableError(Exception):
    """The replacement has no price, and why."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason, which is for programs, beside the sentence for people."""
        super().__init__(detail)
        self.reason = reason


@transaction.atomic
def void_event(*, customer: Customer, key: str, note: Note) -> Corrected:
    """Take an event back: its charges, and the credits that paid for it.

    The credits return to the very lots. Voiding again returns the first correction and
    moves nothing. An event in quarantine is never priced then.

    :raises UnknownEventError: if the customer has no event with this key.
    :raises NotCorrectableError: if it was amended, is a stream that is still open, or
        was priced by a period that is closed.
    """
    subject = find_subject(customer, key)
    books = lock_books([subject.account])
    existing = find_correction(customer_id=customer.pk, event_id=subject.id)
    if existing is None:
        taking = _Taking(subject, books, CorrectionKind.VOID, note)
        taking.take_back()
        taking.expire_rest()
        write_entries([taking.wallet])
        existing = taking.store()
    elif existing.kind != CorrectionKind.VOID:
        message = f"{key} was replaced by another event, which may be voided."
        raise AlreadyCorrectedError(message)
    return _report(existing, subject, note.at)


@transaction.atomic
def amend_event(
    *, customer: Customer, key: str, replacement: Replacement, note: Note
) -> Corrected:
    """Take an event back and record another one in its place, all or nothing.

    The other one happened at the same time; it is priced as of then, and debited from
    what is given back too. Amending again by the same key and properties returns the
    first correction and moves nothing.

    :raises UnknownEventError: if the customer has no event with this key.
    :raises NotCorrectableError: if it was taken back otherwise, is a stream that is
        still open, or was priced by a period that is closed.
    :raises KeyTakenError: if the replacement's key is not free.
    :raises UnpriceableError: if the replacement has no price.
    """
    subject = find_subject(customer, key)
    item = _new_item(subject, replacement)
    # Before the wallet's lock, as metering does.
    claim = NewClaim(*item.key, item.fingerprint, subject.occurred_at)
    taken = take_claims([claim])
    books = lock_books([subject.account])
    existing = find_correction(customer_id=customer.pk, event_id=subject.id)
    if existing:
        _check_same(existing, item)
    elif item.key not in taken or is_open_stream(customer, replacement.key):
        message = f"{replacement.key} was recorded before: take a key of its own."
        raise KeyTakenError(message)
    else:
        item.event_id = taken[item.key]
        existing = _amend(subject, item, books, note)
    return _report(existing, subject, note.at)


def _new_item(subject: Subject, replacement: Replacement) -> Item:
    event = PostedEvent(
        customer=subject.account.external_id,
        idempotency_key=replacement.key,
        event_name=subject.event_name,
        occurred_at=subject.occurred_at,
        properties=replacement.properties,
    )
    return new_item(0, subject.account, event, api_key_id=subject.api_key_id)


def _check_same(existing: Correction, item: Item) -> None:
    claim = find_claims([item.key])[item.key]
    if claim.event_id != existing.replacement_id:
        message = f"The event was taken back before: {existing.reason}"
        raise AlreadyCorrectedError(message)
    if claim.fingerprint != item.fingerprint:
        key = item.event.idempotency_key
        message = f"{key} replaced the event with other properties, which stand."
        raise KeyTakenError(message)


def _amend(subject: Subject, item: Item, books: LockedBooks, note: Note) -> Correction:
    taking = _Taking(subject, books, CorrectionKind.AMEND, note)
    taking.take_back()
    priced = _price(item, subject, books)
    writer = EventWriter(note.at)
    writer.add(priced, taking.wallet)
    taking.expire_rest()
    write_entries([taking.wallet])
    writer.write()
    return taking.store(replacement_id=item.event_id)


def _price(item: Item, subject: Subject, books: LockedBooks) -> PricedItem:
    """Price a replacement on the prices of the first event, if they have its model.

    So a plan that was changed since changes nothing. What the period has used is
    without the first event.
    """
    book = open_price_book([item.account])
    if subject.event:
        book.prefer(subject.event.version_id, priced=subject.event.model)
    priced, unpriced = price_items([item], book, books)
    for each in unpriced:
        raise UnpriceableError(each.reason, each.detail)
    return priced[0]


class _Taking:
    """An event being taken back, its customer's books locked."""

    def __init__(
        self, subject: Subject, books: LockedBooks, kind: CorrectionKind, note: Note
    ) -> None:
        self.subject = subject
        self.wallet = books.wallet_of(subject.account)
        self.swept: list[OpenLot] = []
        self.correction = Correction(
            id=_next_id(),
            kind=kind,
            customer_id=subject.account.id,
            event_id=subject.id,
            occurred_at=subject.occurred_at,
            amount=subject.amount,
            reason=note.reason,
            actor=note.actor,
            period_start=books.period_of(subject.account, subject.occurred_at).start,
            recorded_at=self.wallet.recorded_at,
        )
        self.why = Cause(self.correction.cause, note.actor, note.at)

    def take_back(self) -> None:
        """Reverse what the event was charged; one in quarantine is never priced."""
        if self.subject.event is None:
            waiting = QuarantinedEvent.objects.filter(pk=self.subject.id)
            waiting.update(resolved_at=self.why.occurred_at)
            return
        self._require_open(self.subject.event)
        before = self.wallet.sequence
        reversal = take_back(
            self.subject.event,
            self.subject.account,
            self.wallet,
            correction_id=self.correction.pk,
            period_start=self.correction.period_start,
            why=self.why,
        )
        self.swept = reversal.swept
        if reversal.parts:
            self.correction.first_entry = before + 1
            self.correction.last_entry = self.wallet.sequence

    def _require_open(self, event: UsageEvent) -> None:
        """Refuse what was priced by a period that has been settled since.

        :raises PeriodSettledError: if it would have to be settled again.
        """
        if event.period_start == self.correction.period_start:
            return
        if any(charge.tier is not None for charge in list_charges(event)):
            message = (
                f"{self.subject.key} was priced by what its period used, and that is"
                " invoiced: give credits instead."
            )
            raise PeriodSettledError(message)

    def expire_rest(self) -> None:
        """Let the credits expire that came back to lots which had expired."""
        before = self.wallet.sequence
        expire_again(self.wallet, self.swept, self.why)
        if self.wallet.sequence > before:
            self.correction.last_entry = self.wallet.sequence

    def store(self, *, replacement_id: int | None = None) -> Correction:
        """Store the correction itself, and fire or arm the customer's alerts."""
        self.correction.replacement_id = replacement_id
        self.correction.save(force_insert=True)
        at = self.why.occurred_at
        available = spendable(self.wallet, at)
        follow_balance(customer_id=self.subject.account.id, available=available, at=at)
        return self.correction


def _next_id() -> int:
    # Its entries and charges name it before it can be complete, and so be stored.
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_ID)
        return int(cursor.fetchone()[0])


def _report(correction: Correction, subject: Subject, at: datetime) -> Corrected:
    account = subject.account
    return Corrected(
        correction=correction,
        key=subject.key,
        entries=list_correction_entries(correction, wallet_id=account.wallet_id),
        replacement=find_replacement(correction),
        balance=get_balance(wallet_id=account.wallet_id, at=at).available,
        currency=account.currency,
    )
