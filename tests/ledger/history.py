"""A wallet's history in months of its own, and entries that no service makes alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import transaction

from ledger import posting
from ledger.models import Book, CreditLot, Kind, Source, Wallet
from ledger.posting import Cause, lock_wallets, write_entries
from ledger.services import Grant, grant_credits
from tests import make

_LOCK = posting._LOCK


@contextmanager
def recorded(at: datetime) -> Iterator[None]:
    """Let the database's clock, by which entries are recorded, stand still."""
    with pytest.MonkeyPatch.context() as patch:
        stopped = _LOCK.replace("now()", f"'{at.isoformat()}'::timestamptz")
        patch.setattr(posting, "_LOCK", stopped)
        yield


def sell(wallet: Wallet, credits: str, *, price: str) -> CreditLot:
    """Grant a lot that was paid for, at another price than its credits."""
    grant = Grant(
        source=Source.PURCHASE,
        amount=Decimal(credits),
        price_paid=Decimal(price),
        reference=f"invoice:INV-{make.unique()}",
        starts_at=make.NOW,
    )
    return grant_credits(
        wallet_id=wallet.pk, grant=grant, actor="payment", occurred_at=make.NOW
    )


def post(
    wallet: Wallet, kind: Kind, book: Book, amount: str, *, lot: CreditLot | None
) -> None:
    """Post one entry against a book."""
    why = Cause(cause="refund:1", actor="test", occurred_at=make.NOW)
    with transaction.atomic():
        locked = lock_wallets([wallet.pk])[wallet.pk]
        lot_id = lot.pk if lot else None
        locked.append(kind, book, Decimal(amount), lot_id=lot_id, why=why)
        write_entries([locked])
