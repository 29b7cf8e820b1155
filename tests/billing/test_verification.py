"""The auditor names the row that somebody changed behind everyone's back."""

from datetime import timedelta

import pytest

from billing.models import UsageEvent
from billing.queries.verification import verify_usage
from tests import audit, make
from tests.raw import execute, tampering

pytestmark = pytest.mark.django_db
THIRTEENTHS = """\
model: image-gen
rates:
  - dimension: images
    unit: 13 images
    price_usd: 0.2
"""


@pytest.fixture
def event() -> UsageEvent:
    make.customer(credits="0.01")
    make.record(make.event(), make.event("odd", model="unknown"))
    return UsageEvent.objects.get()


def found() -> dict[str, list[str]]:
    findings = [each for each in verify_usage() if each.differences]
    return {each.check: each.differences for each in findings}


def test_nothing_is_found_where_nothing_was_changed(event: UsageEvent) -> None:
    findings = list(verify_usage())

    assert [each.differences for each in findings if each.differences] == []
    compared = {each.check: each.compared for each in findings}
    assert compared["every claim has its event"] == 2
    assert compared["event = sum of its charges"] == 1
    assert compared["discount = the terms in force"] == 2
    assert compared["usage rollups = charges"] == 2
    assert event.amount


@pytest.mark.parametrize(
    ("table", "statement", "check", "row"),
    [
        (
            "billing_charge",
            "UPDATE billing_charge SET amount = 1 WHERE quantity = 412",
            "charge = its arithmetic, by its rate, tier and band",
            "charge ",
        ),
        (
            "billing_charge",
            "UPDATE billing_charge SET amount = amount + 1e-18 WHERE quantity = 412",
            "charge = its arithmetic, by its rate, tier and band",
            "charge ",
        ),
        (
            "billing_charge",
            "UPDATE billing_charge SET quantity = 413 WHERE quantity = 412",
            "usage rollups = charges",
            "customer ",
        ),
        (
            "billing_charge",
            "UPDATE billing_charge SET rate_id = 0",
            "charge = its arithmetic, by its rate, tier and band",
            "charge ",
        ),
        (
            "billing_charge",
            "DELETE FROM billing_charge WHERE quantity = 412",
            "event = sum of its charges",
            "event ",
        ),
        (
            "billing_usageevent",
            "UPDATE billing_usageevent SET amount = 0",
            "event = what its entries took",
            "customer ",
        ),
        (
            "billing_usageevent",
            "UPDATE billing_usageevent SET first_entry = 1",
            "event = what its entries took",
            "customer ",
        ),
        (
            "billing_usageevent",
            "DELETE FROM billing_usageevent",
            "every claim has its event",
            "claim ",
        ),
        (
            "billing_usageevent",
            "UPDATE billing_usageevent SET idempotency_key = 'other'",
            "every claim has its event",
            "claim ",
        ),
        (
            "billing_idempotencyclaim",
            "DELETE FROM billing_idempotencyclaim",
            "every event has one claim",
            "event ",
        ),
        (
            "billing_quarantinedevent",
            "DELETE FROM billing_quarantinedevent",
            "every claim has its event",
            "claim ",
        ),
        (
            "billing_usagerollup",
            "UPDATE billing_usagerollup SET calls = 2",
            "usage rollups = charges",
            "customer ",
        ),
        (
            "billing_usagerollup",
            "DELETE FROM billing_usagerollup",
            "usage rollups = charges",
            "customer ",
        ),
        (
            "billing_fundingrollup",
            "UPDATE billing_fundingrollup SET amount = 0 WHERE lot_id IS NULL",
            "funding rollups = entries",
            "customer ",
        ),
        (
            "ledger_entry",
            "UPDATE ledger_entry SET amount = -1 WHERE lot_id IS NULL",
            "funding rollups = entries",
            "customer ",
        ),
    ],
)
@pytest.mark.usefixtures("event")
def test_a_changed_row_is_named(
    table: str, statement: str, check: str, row: str
) -> None:
    with tampering(table):
        assert execute(statement)

    assert found()[check][0].startswith(row)


def test_an_amount_that_was_rounded_is_no_difference() -> None:
    card = make.rate_card(THIRTEENTHS)
    make.customer(plan=make.plan(card=card), credits="50")

    # 0.2 / 13 has a 4 as its last digit, and a 6 after it.
    make.record(
        *[
            make.event(
                str(n), model="image-gen", images=n, input_tokens=0, output_tokens=0
            )
            for n in range(1, 27)
        ]
    )

    assert audit.differences() == []


def test_late_usage_is_no_difference() -> None:
    make.customer(credits="50", time_zone="America/New_York")
    make.close_period(make.NOW.replace(day=1, hour=4))

    make.record(make.event(occurred_at=make.NOW - timedelta(days=20)))

    assert audit.differences() == []
