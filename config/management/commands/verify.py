from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.verification import verify_all


class Command(BaseCommand):
    help = "Rebuild balances, rollups and invoices from history and compare them."

    def handle(self, *_args: Any, **_options: Any) -> None:
        failed = 0
        for finding in verify_all():
            mark = "differs" if finding.differences else "ok"
            line = f"{mark:8}{finding.compared:>10,}  {finding.check}"
            self.stdout.write(line)
            for difference in finding.differences:
                self.stdout.write(f"{'':20}{difference}")
            failed += bool(finding.differences)
        if failed:
            message = f"{failed} of the checks found a difference."
            raise CommandError(message)
        self.stdout.write("Everything agrees.")
