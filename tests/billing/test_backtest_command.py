"""`manage.py backtest_rate_card`: the work done here or queued, and its tables."""

from collections.abc import Iterator
from io import StringIO
from itertools import chain
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from billing.models import Backtest, Customer
from config.celery import app
from tests import make
from tests.billing.backtesting import OWN, RICH, draft, each_price

pytestmark = pytest.mark.django_db
PERIOD = ("--from", "2026-11-01", "--to", "2026-12-01T00:00:00+00:00")


@pytest.fixture
def customer() -> Customer:
    card = make.rate_card(RICH, code="standard")
    made = make.customer(plan=make.plan(card=card), credits="50")
    image = make.event("image", model="draw", images=3, input_tokens=0, output_tokens=0)
    make.record(make.event(), image)
    return made


def run(*options: str) -> list[list[str]]:
    output = StringIO()
    call_command("backtest_rate_card", "standard", *PERIOD, *options, stdout=output)
    return [line.split() for line in output.getvalue().splitlines()]


def test_customers_are_compared_on_the_last_version(customer: Customer) -> None:
    draft(customer.plan.rate_card, each_price(RICH, lambda price: price * 2))

    output = run()

    amounts = ["$0.125568", "$0.251136", "+$0.125568", "+100.00%"]
    assert "2 events priced again." in " ".join(output[0])
    assert output[-2:] == [["cus_abc123", *amounts], ["total", *amounts]]


@pytest.mark.usefixtures("customer")
def test_lines_are_compared_on_a_version_by_its_number() -> None:
    output = run("--version", "1", "--lines")

    assert ["draw", "images", "1", "3", "$0.12", "$0.12", "$0.00", "0.00%"] in output


def test_what_has_no_price_is_named(customer: Customer) -> None:
    make.record(make.event("odd", model="unheard-of", input_tokens=1000))
    other = OWN.replace("text-gen-v3", "unheard-of")
    draft(customer.plan.rate_card, f"{OWN}---\n{other}")

    output = run()

    assert ["draw", "unknown_model", "1", "$0.12"] in output
    assert ["unheard-of", "unpriced_dimension", "1", "$0.007332"] in output


@pytest.mark.usefixtures("customer")
def test_all_lines_are_written_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"

    run("--csv", str(path))

    rows = path.read_text(encoding="utf-8").splitlines()
    assert rows[0] == "customer,model,dimension,calls,quantity,before,after,difference"
    assert rows[1] == "cus_abc123,draw,images,1,3,0.12,0.12,0"
    assert len(rows) == 4


@pytest.mark.usefixtures("customer")
def test_a_time_without_usage_is_said() -> None:
    output = run("--from", "2020-01-01", "--to", "2020-02-01")

    assert [" ".join(line) for line in output] == [
        "Standard v1 on 2020-01-01 to 2020-02-01: 0 events priced again.",
        "No usage of that time was priced on any version of standard.",
    ]
    assert Backtest.objects.get().status == "done"


def test_a_period_that_is_cut_is_said(customer: Customer) -> None:
    least = "    minimum_per_period_usd: 9\n    price_usd: 0.003\n"
    text = RICH.replace("    price_usd: 0.003\n", least)
    draft(customer.plan.rate_card, text)
    note = "Billing periods that are not wholly in this time have no true-up here."

    whole = run("--lines")
    cut = run("--lines", "--from", "2026-11-02")

    assert note.split() not in whole
    assert note.split() in cut
    assert "input_tokens," in chain.from_iterable(whole)
    assert "input_tokens," not in chain.from_iterable(cut)


@pytest.fixture
def _at_once() -> Iterator[None]:
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.mark.usefixtures("customer", "_at_once")
def test_the_work_may_be_left_to_the_workers() -> None:
    output = run("--queue")

    backtest = Backtest.objects.get()
    assert output == [["Backtest", str(backtest.pk), "is", "queued."]]
    assert backtest.status == "done"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--version", "7"), "there is no version 7 of a rate card 'standard'"),
        (("--to", "2026-11-01"), "2026-11-01 00:00 is not after 2026-11-01 00:00."),
        (("--to", "tomorrow"), "is no instant such as"),
        (("--queue", "--csv=lines.csv"), "--csv needs the result, which --queue"),
    ],
)
@pytest.mark.usefixtures("customer")
def test_what_is_wrong_is_said(options: tuple[str, str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        run(*options)


def test_prices_that_cannot_be_read_are_said(customer: Customer) -> None:
    version = draft(customer.plan.rate_card, RICH)
    version.bands.all().delete()
    version.rates.all().delete()

    with pytest.raises(CommandError, match="must hold at least one model"):
        run()
