"""What the auditor finds where a discount, a minimum or a true-up was altered."""

import pytest

from billing.queries.verification import verify_usage
from tests import make
from tests.billing.test_stored_prices import EVERYTHING
from tests.billing.volume import true_up_a_month
from tests.raw import execute, tampering

pytestmark = pytest.mark.django_db
# As if they had been agreed before the test began.
TERMS = "discount_percent = 20, recorded_at = recorded_at - interval '1 hour'"
BOUND = "reason = 'minimum', tier = NULL"
PRICES = "charge's prices"
ARITHMETIC = "charge = its arithmetic"


@pytest.fixture(autouse=True)
def _usage() -> None:
    plan = make.plan(card=make.rate_card(EVERYTHING))
    make.terms(make.customer(credits="50", plan=plan), discount="10")
    make.record(make.event(input_tokens=1, output_tokens=0, images=12))
    make.record(make.event("cheap", input_tokens=1, output_tokens=0))
    true_up_a_month()


def checks() -> set[str]:
    return {each.check for each in verify_usage() if each.differences}


def test_nothing_is_found_where_nothing_was_changed() -> None:
    assert checks() == set()


@pytest.mark.parametrize(
    ("table", "change", "check"),
    [
        ("billing_charge", "discount = 0.8", "discount = the terms in force"),
        ("billing_terms", TERMS, "discount = the terms in force"),
        ("billing_charge", "flat = 2, amount = amount + 0.9 WHERE flat = 1", PRICES),
        ("billing_charge", "unit_price = 9 WHERE tier = 1", PRICES),
        ("billing_charge", "multiplier = 2 WHERE quantity = 1", PRICES),
        ("billing_charge", "tier = 2 WHERE tier = 1", ARITHMETIC),
        ("billing_charge", "unit_price = 9, amount = 9 WHERE tier = 0", ARITHMETIC),
        ("billing_usageevent", "amount = 0.001", "no call costs less than its minimum"),
        ("billing_trueup", "quantity = 17", "true-up = usage of its period"),
        ("billing_trueup", "tier = 1", "true-up = usage at its last tier - charges"),
        ("billing_trueup", BOUND, "true-up = the least or the most of its period"),
        ("billing_trueup", "amount = -74", "true-ups = what their entries took"),
    ],
)
def test_what_was_altered_is_found(table: str, change: str, check: str) -> None:
    with tampering(table):
        execute(f"UPDATE {table} SET {change}")  # noqa: S608 - written above.

    assert any(found.startswith(check) for found in checks())
