"""Measure this machine: `make bench`."""

import os
import statistics
import sys
import tempfile
from collections.abc import Sequence

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.development"
os.environ["TOLLGATE_FOLDER"] = tempfile.mkdtemp(prefix="tollgate-bench-")

import django
from django.core.management import call_command

from config import embedded
from config.services import embedded_folder, hold_services, is_embedded

RUNS = 3
# Of the ledger's debits to those of the plain way.
LEAST_RATIO = 20


def main() -> None:
    hold_services()
    django.setup()
    call_command("prepare_database")
    from tests.benchmarks.admission import (  # noqa: PLC0415 - needs Django.
        measure_admission,
        report_speeds,
    )
    from tests.benchmarks.backtest import measure_backtest  # noqa: PLC0415 - the same.
    from tests.benchmarks.ingest import measure_ingest  # noqa: PLC0415 - needs Django.
    from tests.benchmarks.ledger import measure_ledger  # noqa: PLC0415 - the same.
    from tests.benchmarks.rating import measure_rating  # noqa: PLC0415 - the same.

    try:
        report_speeds(measure_admission(runs=RUNS))
        report(measure_rating(runs=RUNS))
        report(measure_ingest(runs=RUNS))
        report(measure_backtest(runs=RUNS))
        # Last: ingest's limit copies all entries there are.
        debits = measure_ledger(runs=RUNS)
        report(debits, what="debits per second", share="times", form=".1f")
        check_ratio(debits)
    finally:
        if is_embedded():
            embedded.drop(embedded_folder())


def report(
    measured: Sequence[tuple[str, list[float]]],
    *,
    what: str = "events per second",
    share: str = "of limit",
    form: str = ".0%",
) -> None:
    """Print medians and spreads, each beside the first, a limit or what to beat."""
    first = statistics.median(measured[0][1])
    print(f"\n{what:44}{'median':>10}{'spread':>22}{share:>10}")
    for name, rates in measured:
        median = statistics.median(rates)
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        beside = format(median / first, form)
        print(f"{name:44}{median:>10,.0f}{spread:>22}{beside:>10}")


def check_ratio(measured: Sequence[tuple[str, list[float]]]) -> None:
    """Print how much faster each of our ways is than the plain one.

    :raises SystemExit: if one is not fast enough.
    """
    plain = statistics.median(measured[0][1])
    ratio = min(statistics.median(rates) for _, rates in measured[1:]) / plain
    print(f"\nThe ledger is {ratio:.1f} times the plain way.")
    if ratio < LEAST_RATIO:
        sys.exit(f"It has to be {LEAST_RATIO} times the plain way.")


if __name__ == "__main__":
    main()
