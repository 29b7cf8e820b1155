import csv
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from billing import tasks
from billing.management.rate_cards import VersionCommand, instant
from billing.management.tables import customer_table, gap_table, line_table
from billing.models import Backtest
from billing.models.backtests import BacktestStatus
from billing.queries.backtests import (
    CUT_TRUE_UPS,
    list_customer_lines,
    list_open_chunks,
    report_backtest,
)
from billing.queries.prices import UnknownVersionError, get_version
from billing.services.backtest_chunks import run_chunk
from billing.services.backtests import EmptyPeriodError, plan_backtest, start_backtest
from ledger.money import as_text

ACTOR = "backtest_rate_card"
_COLUMNS = ("customer", "model", "dimension", "calls", "quantity", "before", "after")
_NO_EVENTS = "No usage of that time was priced on any version of {}."
_PAUSE = 1


class Command(VersionCommand):
    help = "Price a past period's usage on a version of a card, and compare."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--version", type=int, dest="number", help="its version; else the last one"
        )
        when = "A date or time, in UTC unless it says."
        parser.add_argument(
            "--from", type=instant, required=True, dest="start", help=when
        )
        parser.add_argument(
            "--to", type=instant, required=True, dest="end", help=f"{when} Not in."
        )
        shown = parser.add_mutually_exclusive_group()
        shown.add_argument(
            "--by-customer", action="store_true", help="one row each: the default"
        )
        shown.add_argument(
            "--lines", action="store_true", help="by model and dimension"
        )
        shown.add_argument(
            "--queue", action="store_true", help="leave the work to the workers"
        )
        parser.add_argument(
            "--csv", type=Path, help="write every customer's lines to this file"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["queue"] and options["csv"]:
            raise CommandError(
                "--csv needs the result, which --queue does not wait for."
            )
        backtest = _start(options)
        if options["queue"]:
            tasks.plan_backtest.delay(backtest_id=backtest.pk)
            self.stdout.write(f"Backtest {backtest.pk} is queued.")
            return
        plan_backtest(backtest_id=backtest.pk, at=timezone.now())
        _run(backtest)
        if backtest.status == BacktestStatus.FAILED:
            raise CommandError(backtest.error)
        self._write(backtest, by_line=options["lines"])
        if options["csv"]:
            _write_csv(backtest, options["csv"])

    def _write(self, backtest: Backtest, *, by_line: bool) -> None:
        currency = backtest.version.rate_card.currency
        report = report_backtest(backtest)
        counted = f"{backtest.events_done:,} events priced again"
        self.stdout.write(f"{backtest}: {counted}.")
        if not backtest.events_done:
            self.stdout.write(_NO_EVENTS.format(backtest.version.rate_card.code))
        if report.cuts_true_ups:
            self.stdout.write(CUT_TRUE_UPS)
        if not report.customers:
            return
        table = line_table if by_line else customer_table
        self._write_table("", table(report, currency))
        if report.unpriced:
            title = "Charged, and without a price on this version:"
            self._write_table(title, gap_table(report.unpriced, currency))
        if report.recovered:
            title = "In quarantine, and with a price on this version:"
            self._write_table(title, gap_table(report.recovered, currency))

    def _write_table(self, title: str, lines: list[str]) -> None:
        self.stdout.write("\n".join(["", *([title] if title else []), *lines]))


def _start(options: dict[str, Any]) -> Backtest:
    try:
        version = get_version(code=options["code"], number=options["number"])
        return start_backtest(
            version=version,
            start=options["start"],
            end=options["end"],
            by=ACTOR,
            at=timezone.now(),
        )
    except (UnknownVersionError, EmptyPeriodError) as error:
        raise CommandError(f"Nothing to price again: {error}.") from error


def _run(backtest: Backtest) -> None:
    """Do chunk after chunk, and wait for those that a worker took over."""
    backtest.refresh_from_db()
    with tqdm(total=backtest.events_total, unit=" events", disable=None) as progress:
        while not backtest.is_finished:
            for chunk_id in list_open_chunks(backtest):
                progress.update(run_chunk(chunk_id=chunk_id, at=timezone.now()))
            backtest.refresh_from_db()
            if not backtest.is_finished:
                time.sleep(_PAUSE)


def _write_csv(backtest: Backtest, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow((*_COLUMNS, "difference"))
        for line in list_customer_lines(backtest):
            amounts = map(
                as_text, (line.quantity, line.before, line.after, line.difference)
            )
            names = (line.external_id, line.model, line.dimension)
            writer.writerow((*names, line.calls, *amounts))
