"""Buying credits by itself, once they run low."""

from datetime import UTC, datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from billing.models import Customer, NoticeKind
from billing.services.alerts import spendable
from billing.services.notices import write_notice
from invoices.models import AutoTopUp, OffBecause, Payment
from invoices.queries.top_ups import bought_in_month
from invoices.services.payments import start_payment
from invoices.services.purchases import (
    AmountNotForSaleError,
    buy_top_up,
    check_amount,
)
from invoices.services.top_ups import switch_off_auto_top_up
from ledger.money import WIDE, as_text
from ledger.posting import lock_wallets

ACTOR = "auto top-up"


@transaction.atomic
def start_top_up(*, customer_id: int, at: datetime) -> Payment | None:
    """Begin the purchase that a customer's auto top-up calls for, if it does just now.

    One at a time: while it is pending, none is begun. Returns the payment, which
    `settle_payment` then charges outside of this transaction.
    """
    customer = Customer.objects.select_related("wallet").get(pk=customer_id)
    wallet = lock_wallets([customer.wallet_id])[customer.wallet_id]
    agreed = AutoTopUp.objects.select_related("method", "customer__wallet")
    top_up = agreed.filter(customer=customer).first()
    if top_up is None or not _is_due(top_up, spendable(wallet, at), at):
        return None
    because = _obstacle(top_up)
    if because:
        switch_off_auto_top_up(customer=customer, because=because, by=ACTOR, at=at)
        return None
    bought = bought_in_month(customer=customer, at=at)
    # An operator may have lowered the most since the customer agreed.
    most = min(top_up.monthly_maximum, settings.TOP_UP_MONTHLY_MAXIMUM)
    if WIDE.add(bought, top_up.amount) > most:
        _wait_for_next_month(top_up, bought, most, at)
        return None
    invoice = buy_top_up(customer=customer, amount=top_up.amount, at=at)
    top_up.pending = start_payment(invoice=invoice, method=top_up.method, at=at)
    top_up.save(update_fields=["pending"])
    return top_up.pending


def _is_due(top_up: AutoTopUp, available: Decimal, at: datetime) -> bool:
    waits = (top_up.retry_at, top_up.capped_until)
    is_waiting = any(until is not None and at < until for until in waits)
    is_free = top_up.is_on and top_up.pending_id is None
    return is_free and not is_waiting and available < top_up.threshold


def _obstacle(top_up: AutoTopUp) -> OffBecause | None:
    """Return why nothing can be bought, as the installation stands."""
    method = top_up.method
    if method.removed_at or method.provider != settings.PAYMENT_PROVIDER:
        return OffBecause.CARD_UNUSABLE
    try:
        check_amount(top_up.amount, top_up.customer.wallet.currency)
    except AmountNotForSaleError:
        return OffBecause.AMOUNT
    return None


def _wait_for_next_month(
    top_up: AutoTopUp, bought: Decimal, most: Decimal, at: datetime
) -> None:
    month = at.astimezone(UTC)
    top_up.capped_until = datetime(
        month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC
    )
    top_up.save(update_fields=["capped_until"])
    write_notice(
        customer_id=top_up.customer_id,
        kind=NoticeKind.TOP_UP_CAPPED,
        reference=f"capped:{month:%Y-%m}",
        facts={
            "bought": as_text(bought),
            "amount": as_text(top_up.amount),
            "monthly_maximum": as_text(most),
        },
    )
