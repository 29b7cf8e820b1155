"""Alerts of low credits: set by customers, found in the transaction that debits.

An alert is crossed once, and again only after the credits have reached its threshold in
between. All of it happens under the wallet's lock.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F

from billing.models import AlertPurpose, BalanceAlert, Customer, NoticeKind
from billing.queries.accounts import Account
from billing.services.locking import LockedBooks
from billing.services.notices import write_notice
from ledger.money import as_text, exact
from ledger.posting import OpenWallet, lock_wallets

MOST_ALERTS = 10
# More than any wallet holds, in units of its currency.
LARGEST_THRESHOLD = Decimal(1_000_000_000)


class ThresholdError(ValueError):
    """A threshold is below zero, too large or too fine, or there are too many."""


@transaction.atomic
def set_alerts(
    *, customer: Customer, thresholds: Collection[Decimal], at: datetime
) -> list[BalanceAlert]:
    """Replace the thresholds below which a customer is sent a mail.

    One that stays keeps its state: it is not crossed anew. One that the credits are
    below already waits until they have reached it.

    :raises ThresholdError: if one is out of bounds, or there are more than ten.
    """
    wallet = _lock(customer)
    return _replace(customer, AlertPurpose.MAIL, thresholds, wallet, at)


@transaction.atomic
def add_alert(*, customer: Customer, threshold: Decimal, at: datetime) -> bool:
    """Add one threshold to a customer's; tell whether it was not there before.

    :raises ThresholdError: as `set_alerts` does.
    """
    wallet = _lock(customer)
    before = _thresholds(customer)
    added = check_threshold(threshold)
    _replace(customer, AlertPurpose.MAIL, {*before, added}, wallet, at)
    return added not in before


@transaction.atomic
def remove_alert(*, customer: Customer, threshold: Decimal, at: datetime) -> bool:
    """Take one threshold off a customer's; tell whether it was there."""
    wallet = _lock(customer)
    before = _thresholds(customer)
    _replace(customer, AlertPurpose.MAIL, before - {threshold}, wallet, at)
    return threshold in before


@transaction.atomic
def watch_for_top_up(
    *, customer: Customer, threshold: Decimal | None, at: datetime
) -> None:
    """Watch for credits below a threshold at which more are bought, or stop to.

    :raises ThresholdError: if it is out of bounds.
    """
    wallet = _lock(customer)
    thresholds = [] if threshold is None else [threshold]
    _replace(customer, AlertPurpose.TOP_UP, thresholds, wallet, at)


@transaction.atomic
def review_balance(*, customer_id: int, at: datetime, because: str = "") -> None:
    """Fire and arm a customer's alerts by the credits that it may spend at an instant.

    For what moves credits without metering them, which `because` says to the customer
    in words, and for lots that begin or lapse. Doing it again changes nothing.
    """
    customer = Customer.objects.get(pk=customer_id)
    available = spendable(_lock(customer), at)
    follow_balance(customer_id=customer_id, available=available, at=at, because=because)


def note_debits(accounts: Iterable[Account], books: LockedBooks, at: datetime) -> None:
    """Fire the alerts of those customers that a batch has taken below one.

    Runs in the caller's transaction, which holds the wallets. Who is above its alerts,
    or has none, costs no query.
    """
    for account in accounts:
        if account.watch_below is None:
            continue
        available = spendable(books.wallet_of(account), at)
        if available < account.watch_below:
            follow_balance(customer_id=account.id, available=available, at=at)


def spendable(wallet: OpenWallet, at: datetime) -> Decimal:
    """Return what may be spent at an instant, as far as alerts are concerned.

    Credits that were granted while the reader of the clock waited for the wallet begin
    after its instant: they count, or what was bought just now would be bought again.
    """
    return max(wallet.available(at), wallet.available(at + settings.CLOCK_SKEW))


def follow_balance(
    *, customer_id: int, available: Decimal, at: datetime, because: str = ""
) -> None:
    """Fire the armed alerts that credits are below, and arm those they have reached.

    Those that are crossed at once are told in one mail. Runs in the caller's
    transaction, which holds the wallet.
    """
    alerts = list(BalanceAlert.objects.filter(customer=customer_id).order_by("pk"))
    if not alerts:
        return
    crossed = [each for each in alerts if each.is_armed and available < each.threshold]
    reached = [
        each for each in alerts if not each.is_armed and each.threshold <= available
    ]
    if crossed:
        _change(crossed, is_armed=False, crossings=F("crossings") + 1, crossed_at=at)
        facts = {"available": as_text(available), "crossed_at": at.isoformat()}
        _tell(crossed, facts | _circumstances(alerts, because))
    if reached:
        _change(reached, is_armed=True)
    _watch(customer_id)


def _circumstances(alerts: list[BalanceAlert], because: str) -> dict[str, object]:
    """Return why credits fell, if not by use, and below what more are bought."""
    facts: dict[str, object] = {"because": because} if because else {}
    for alert in alerts:
        if alert.purpose == AlertPurpose.TOP_UP:
            facts["bought_below"] = as_text(alert.threshold)
    return facts


def _tell(crossed: list[BalanceAlert], facts: dict[str, object]) -> None:
    mailed = [alert for alert in crossed if alert.purpose == AlertPurpose.MAIL]
    if not mailed:
        return
    mailed.sort(key=lambda alert: alert.threshold, reverse=True)
    # A crossing is told once, so that the lowest one's names the notice.
    lowest = mailed[-1]
    write_notice(
        customer_id=lowest.customer_id,
        kind=NoticeKind.LOW_BALANCE,
        reference=f"alert:{lowest.pk}:{lowest.crossings + 1}",
        facts={
            "threshold": as_text(lowest.threshold),
            "thresholds": [as_text(alert.threshold) for alert in mailed],
        }
        | facts,
    )


def _change(alerts: Iterable[BalanceAlert], **values: object) -> None:
    named = BalanceAlert.objects.filter(pk__in=[alert.pk for alert in alerts])
    named.update(**values)


def _watch(customer_id: int) -> None:
    """Keep the highest threshold that is still to be crossed where metering looks."""
    armed = BalanceAlert.objects.filter(customer=customer_id, is_armed=True)
    highest = armed.order_by("-threshold").values_list("threshold", flat=True).first()
    stale = Customer.objects.filter(pk=customer_id).exclude(watch_below=highest)
    stale.update(watch_below=highest)


def _lock(customer: Customer) -> OpenWallet:
    return lock_wallets([customer.wallet_id])[customer.wallet_id]


def _thresholds(customer: Customer) -> set[Decimal]:
    alerts = BalanceAlert.objects.filter(customer=customer, purpose=AlertPurpose.MAIL)
    return set(alerts.values_list("threshold", flat=True))


def _replace(
    customer: Customer,
    purpose: AlertPurpose,
    thresholds: Collection[Decimal],
    wallet: OpenWallet,
    at: datetime,
) -> list[BalanceAlert]:
    wanted = {check_threshold(threshold) for threshold in thresholds}
    if len(wanted) > MOST_ALERTS:
        message = f"Set at most {MOST_ALERTS} thresholds."
        raise ThresholdError(message)
    alerts = BalanceAlert.objects.filter(customer=customer, purpose=purpose)
    alerts.exclude(threshold__in=wanted).delete()
    kept = set(alerts.values_list("threshold", flat=True))
    available = spendable(wallet, at)
    BalanceAlert.objects.bulk_create(
        BalanceAlert(
            customer=customer,
            purpose=purpose,
            threshold=threshold,
            is_armed=threshold <= available,
        )
        for threshold in sorted(wanted - kept)
    )
    _watch(customer.pk)
    return list(alerts.order_by("-threshold"))


def check_threshold(threshold: Decimal) -> Decimal:
    """Return a threshold as it is stored.

    :raises ThresholdError: if it is below zero, too large or too fine.
    """
    if not (threshold.is_finite() and 0 <= threshold <= LARGEST_THRESHOLD):
        largest = f"{LARGEST_THRESHOLD:,}"
        message = f"Choose a threshold from 0 to {largest}."
        raise ThresholdError(message)
    if exact(threshold) != threshold:
        message = "A threshold has at most 18 decimals."
        raise ThresholdError(message)
    return exact(threshold)
