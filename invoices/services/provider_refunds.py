"""What a provider says to have given back in all, whoever asked for it.

Its sum of this moment is what counts. One that was announced may count a refund that
has failed since, and announcements come twice and in any order: they only make us ask.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.db import transaction

from invoices.models import Payment, Refund
from invoices.payments import get_provider
from invoices.services.payments import PaymentMismatchError
from invoices.services.returns import take_in_provider_refunds
from invoices.services.taking import lock_payment, review
from ledger.money import as_text

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SaidSum:
    """What a provider has given back of a payment, and how its refunds stood before."""

    amount: Decimal
    refunds: frozenset[tuple[int, str]]


class SumOutdatedError(Exception):
    """A refund has moved since the provider was asked; its answer may count it."""


def with_sum(payment: Payment, act: Callable[[SaidSum], Result]) -> Result:
    """Ask the provider, outside of any transaction, and act on its answer in one.

    Asks again if a refund moved in between: somebody else got on with it.

    :raises ProviderError: if the provider does not answer.
    """
    while True:
        refunds = _standings(payment)
        amount = get_provider(payment.provider).refunded(payment=payment)
        try:
            return act(SaidSum(amount, refunds))
        except SumOutdatedError:
            continue


def _standings(payment: Payment) -> frozenset[tuple[int, str]]:
    refunds = Refund.objects.filter(payment=payment)
    return frozenset(refunds.values_list("pk", "status"))


def believe(said: SaidSum, locked: Payment) -> None:
    """Keep the provider's sum on a payment that is locked; it may have fallen.

    :raises SumOutdatedError: if a refund of the payment has moved since.
    :raises PaymentMismatchError: if it is more than was paid.
    """
    if said.refunds != _standings(locked):
        raise SumOutdatedError(locked.reference)
    _check(locked, said.amount, locked.currency)
    locked.refunded_at_provider = said.amount
    locked.save(update_fields=["refunded_at_provider"])


def note_charge_refunded(
    *, payment: Payment, amount_refunded: Decimal, currency: str, at: datetime
) -> Refund | None:
    """Take in what the provider gave back of a payment, now that it announced some.

    What is not known of its sum is a refund of theirs, which is returned. The same
    announcement again, or too late, changes nothing.

    :raises PaymentMismatchError: if it is more than was paid, or in another currency.
    :raises ProviderError: if the provider does not answer.
    """
    _check(payment, amount_refunded, currency)
    return with_sum(payment, lambda said: note_sum(payment=payment, said=said, at=at))


@transaction.atomic
def note_sum(*, payment: Payment, said: SaidSum, at: datetime) -> Refund | None:
    """Keep a provider's sum; returns the refund of theirs that was not known, if any.

    :raises SumOutdatedError: if a refund of the payment has moved since.
    """
    locked = lock_payment(payment.pk)
    believe(said, locked)
    refund = take_in_provider_refunds(locked, at=at)
    review(locked, at=at)
    return refund


def _check(payment: Payment, amount: Decimal, currency: str) -> None:
    if currency != payment.currency or amount > payment.amount:
        message = (
            f"{payment.reference}: {as_text(amount)} {currency} was refunded,"
            f" {as_text(payment.amount)} {payment.currency} was paid"
        )
        raise PaymentMismatchError(message)
