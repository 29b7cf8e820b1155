"""Holding the books of some customers still while usage is priced and recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from billing.periods import Period, billing_period
from billing.queries.accounts import Account, read_closed_until
from ledger.posting import OpenWallet, lock_wallets


@dataclass(frozen=True, slots=True)
class LockedBooks:
    """The wallets of some customers, and until when their usage is invoiced.

    Neither changes until the transaction ends.
    """

    wallets: dict[int, OpenWallet]
    closed_until: dict[int, datetime | None]

    def wallet_of(self, account: Account) -> OpenWallet:
        """Return a customer's wallet."""
        return self.wallets[account.wallet_id]

    def period_of(self, account: Account, occurred_at: datetime) -> Period:
        """Return the period in which a customer's call is billed."""
        return billing_period(
            occurred_at, account.zone, closed_until=self.closed_until[account.id]
        )


def lock_books(accounts: Iterable[Account]) -> LockedBooks:
    """Lock the wallets of customers, so that their periods stay open or closed.

    Until the transaction ends no prices are published either. Read the customers' terms
    and prices with the books locked: `agree_terms` takes the same locks.
    """
    _lock_prices("pg_advisory_xact_lock_shared")
    locked = {account.id: account for account in accounts}
    wallets = lock_wallets(account.wallet_id for account in locked.values())
    return LockedBooks(wallets, read_closed_until(locked))


def lock_prices() -> None:
    """Keep all usage from being priced until the transaction ends, to change prices."""
    _lock_prices("pg_advisory_xact_lock")


def _lock_prices(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtext('billing.prices'))")
