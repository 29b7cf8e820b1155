"""Customers for operators: registered here, since billing knows no purchases."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from billing.models import Customer
from invoices.admin.standing import StandingAdmin
from invoices.queries.reconciliation import (
    CustomerReconciliation,
    PurchaseRow,
    reconcile_customer,
)
from ledger.admin import Cell, Table
from ledger.admin.tables import exact_cell, headings
from ledger.lot_sums import LotSums
from ledger.reconciliation import LotRow

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from django.contrib.admin import action
else:
    from unfold.decorators import action

_BACK = "Refunded or taken by a bank"
_LOTS = ("Granted", "Used", "Overdraft", "Expired", _BACK, "Comes to", "Holds")
_LOTS_NOTE = "Used is less what corrections gave back. Overdraft is what was settled."
_PURCHASES = ("Paid", "Credited", "Disputed", "Credits", "Bonus", "Taken back")
_PURCHASES_NOTE = (
    "Credited is by credit notes; disputed is what the bank holds or has taken back;"
    " taken back are credits, bonus included."
)


@admin.register(Customer)
class ReconcilingCustomerAdmin(StandingAdmin):
    actions_detail = (*StandingAdmin.actions_detail, "reconcile")

    def has_reconcile_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        names = ("ledger.view_entry", "invoices.view_invoice")
        return all(request.user.has_perm(name) for name in names)

    @action(description="Reconcile", permissions=["reconcile"])
    def reconcile(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer = self.get_row(request, object_id)
        found = reconcile_customer(external_id=customer.external_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Reconcile {customer}",
            "opts": self.opts,
            "original": customer,
            "page": reverse("admin:billing_customer_change", args=[customer.pk]),
            "found": found,
            "tables": _list_tables(found),
        }
        return render(request, "admin/invoices/reconciliation.html", context)


def _list_tables(found: CustomerReconciliation) -> list[Table]:
    tables = [_lot_table(found)]
    if found.purchases:
        tables.append(_purchase_table(found))
    return tables


def _lot_table(found: CustomerReconciliation) -> Table:
    wallet = found.wallet
    currency = wallet.wallet.currency
    rows = [_lot_row(row, currency) for row in wallet.lots]
    overdraft = _sums_cells(wallet.overdraft, currency)
    rows.append([Cell("Without a lot"), *overdraft, Cell("")])
    moved = (wallet.consumed, wallet.settled, wallet.expired, wallet.refunded)
    amounts = (wallet.granted, *moved, wallet.left, wallet.wallet.balance)
    total = [Cell("All"), *(exact_cell(amount, currency) for amount in amounts)]
    return Table("Credits", _LOTS_NOTE, headings("Lot", *_LOTS), rows, total)


def _lot_row(row: LotRow, currency: str) -> list[Cell]:
    url = reverse("admin:ledger_creditlot_change", args=[row.lot.pk])
    name = Cell(row.lot.get_source_display(), note=row.lot.reference, url=url)
    held = exact_cell(row.lot.remaining, currency)
    return [name, *_sums_cells(row.sums, currency), held]


def _sums_cells(sums: LotSums, currency: str) -> list[Cell]:
    moved = (sums.consumed, sums.settlements, sums.expired, sums.refunded)
    return [exact_cell(each, currency) for each in (sums.granted, *moved, sums.left)]


def _purchase_table(found: CustomerReconciliation) -> Table:
    rows = [_purchase_row(row) for row in found.settled_purchases]
    heads = headings("Invoice", *_PURCHASES)
    note = " ".join(filter(None, (_PURCHASES_NOTE, found.never_paid)))
    return Table("Purchases", note, heads, rows)


def _purchase_row(row: PurchaseRow) -> list[Cell]:
    invoice = row.invoice
    url = reverse("admin:invoices_invoice_change", args=[invoice.pk])
    money = (invoice.amount_paid, row.credited, row.disputed)
    amounts = (*money, row.granted, row.bonus_granted)
    return [
        Cell(str(invoice), note=invoice.get_status_display(), url=url),
        *(exact_cell(amount, invoice.currency) for amount in (*amounts, row.refunded)),
    ]
