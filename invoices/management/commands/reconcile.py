from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.models import Customer
from invoices.management.tables import lot_table, purchase_table
from invoices.queries.reconciliation import (
    CustomerReconciliation,
    reconcile_all,
    reconcile_customer,
)


class Command(BaseCommand):
    help = "Compare what customers paid for with their lots, entries and refunds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("customer", nargs="?", help="such as cus_abc123")
        which.add_argument("--all", action="store_true", help="a line each, of all")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["all"]:
            self._reconcile_all()
        else:
            self._reconcile(options["customer"])

    def _reconcile_all(self) -> None:
        failed = 0
        for found in reconcile_all():
            mark = "ok" if found.is_equal else "differs"
            self.stdout.write(f"{mark:8}{found.customer.external_id}")
            self._write_differences(found)
            failed += not found.is_equal
        if failed:
            message = f"{failed} of the customers differ."
            raise CommandError(message)
        self.stdout.write("Everything agrees.")

    def _reconcile(self, external_id: str) -> None:
        try:
            found = reconcile_customer(external_id=external_id)
        except Customer.DoesNotExist as error:
            message = f"There is no customer {external_id}."
            raise CommandError(message) from error
        tables = [lot_table(found)]
        if found.settled_purchases:
            tables.append(purchase_table(found.settled_purchases))
        for table in tables:
            self.stdout.write("\n".join(table))
            self.stdout.write("")
        if found.never_paid:
            self.stdout.write(found.never_paid)
        if not found.is_equal:
            self._write_differences(found)
            message = f"{external_id} differs."
            raise CommandError(message)
        self.stdout.write(f"{external_id}: everything agrees.")

    def _write_differences(self, found: CustomerReconciliation) -> None:
        for difference in found.differences:
            self.stdout.write(f"{'':8}{difference}")
