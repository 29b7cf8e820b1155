"""Operators' pages of the ledger; what is exported is for all apps' admins."""

from ledger.admin import wallets
from ledger.admin.base import (
    AMOUNT,
    EDIT_EXACTLY,
    DescribedAdmin,
    HistoryAdmin,
    KeptAdmin,
    ReadOnlyAdmin,
    Row,
    exactly,
    in_currency,
    link_to,
)
from ledger.admin.tables import Cell, Link, Table
from ledger.forms import AmountField

__all__ = [
    "AMOUNT",
    "EDIT_EXACTLY",
    "AmountField",
    "Cell",
    "DescribedAdmin",
    "HistoryAdmin",
    "KeptAdmin",
    "Link",
    "ReadOnlyAdmin",
    "Row",
    "Table",
    "exactly",
    "in_currency",
    "link_to",
    "wallets",
]
