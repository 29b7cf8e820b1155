"""Operators' view of wallets, lots and entries: to read, since entries alone move them.

`ReadOnlyAdmin` and `HistoryAdmin` are for the other apps' admins too.
"""

from typing import TYPE_CHECKING, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.paginator import InfinitePaginator

from ledger.models import CreditLot, Entry, Wallet
from ledger.money import format_exact

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin

Row = TypeVar("Row", bound=Model)


class ReadOnlyAdmin(ModelAdmin[Row]):
    """For what only services or the database may change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Row | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Row | None = None
    ) -> bool:
        return False


class HistoryAdmin(ReadOnlyAdmin[Row]):
    """For tables that grow with every call: never counted, newest first."""

    paginator = InfinitePaginator
    show_full_result_count = False
    ordering = ("-pk",)
    list_per_page = 50


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin[Wallet]):
    list_display = ("id", "currency", "exact_balance", "credit_limit", "sequence")
    search_fields = ("=id",)
    ordering = ("-pk",)
    show_full_result_count = False
    fields = (
        "currency",
        "exact_balance",
        "credit_limit",
        "sequence",
        "recorded_at",
    )
    readonly_fields = ("exact_balance",)

    @admin.display(description="balance", ordering="balance")
    def exact_balance(self, wallet: Wallet) -> str:
        return format_exact(wallet.balance, wallet.currency)


@admin.register(CreditLot)
class CreditLotAdmin(ReadOnlyAdmin[CreditLot]):
    list_display = (
        "reference",
        "wallet",
        "source",
        "granted",
        "remaining",
        "starts_at",
        "expires_at",
        "expired_at",
    )
    list_filter = ("source",)
    list_select_related = ("wallet",)
    search_fields = ("=reference",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Entry)
class EntryAdmin(HistoryAdmin[Entry]):
    list_display = (
        "recorded_at",
        "wallet",
        "sequence",
        "kind",
        "book",
        "amount",
        "balance_after",
        "cause",
        "actor",
    )
    list_select_related = ("wallet",)
    fields = (
        "wallet",
        "lot",
        "sequence",
        "kind",
        "book",
        "amount",
        "balance_after",
        "cause",
        "reverses",
        "actor",
        "occurred_at",
        "recorded_at",
    )
