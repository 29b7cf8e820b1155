"""Wallets, lots and entries for operators: to read, since entries alone move them."""

from django.contrib import admin

from ledger.admin.base import AMOUNT, ReadOnlyAdmin, exactly
from ledger.admin.books import BooksAdmin
from ledger.admin.lots import StoryAdmin
from ledger.models import CreditLot, Entry, Wallet


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin[Wallet]):
    list_display = (
        "id",
        "currency",
        exactly("balance"),
        exactly("credit_limit"),
        "sequence",
    )
    search_fields = ("=id",)
    ordering = ("-pk",)
    show_full_result_count = False
    fields = (
        "currency",
        "balance",
        "credit_limit",
        "sequence",
        "recorded_at",
    )


@admin.register(CreditLot)
class CreditLotAdmin(StoryAdmin):
    list_display = (
        "reference",
        "wallet",
        "source",
        exactly("granted"),
        exactly("remaining"),
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
class EntryAdmin(BooksAdmin):
    list_display = (
        "recorded_at",
        "wallet",
        "sequence",
        "kind",
        "book",
        AMOUNT,
        exactly("balance_after"),
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
