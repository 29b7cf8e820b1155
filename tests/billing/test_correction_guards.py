"""What the database and the auditor say to corrections made behind our back."""

import pytest
from django.db import IntegrityError
from django.db.models import Model

from billing.models import (
    Charge,
    Correction,
    Customer,
    FundingRollup,
    UsageEvent,
    UsageRollup,
)
from billing.queries.verification import verify_usage
from ledger.models import Entry, Kind
from tests import audit, make
from tests.raw import (
    CHECKED,
    NO_PRIVILEGE,
    RESTRICTED,
    as_owner,
    execute,
    owner_refusal,
    refusal,
    tampering,
)

pytestmark = pytest.mark.django_db
CORRECTION = """
    INSERT INTO billing_correction
        (kind, customer_id, event_id, occurred_at, replacement_id, amount, reason,
         actor, period_start)
    SELECT %s, id, 1, now(), %s, %s::text::numeric, %s, %s, now() FROM billing_customer
"""
NOTED = ("posted twice", "ada")


@pytest.fixture
def customer() -> Customer:
    made = make.customer(credits="50")
    make.record(make.event(), make.event("req_2"), make.event("req_3"))
    make.void(made)
    make.amend(made, "req_2", output_tokens=83)
    return made


def found() -> set[str]:
    return {each.check for each in verify_usage() if each.differences}


@pytest.mark.usefixtures("customer")
class TestACorrection:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE billing_correction SET reason = 'another'",
            "UPDATE billing_correction SET amount = 0",
            "DELETE FROM billing_correction",
        ],
    )
    def test_is_never_changed(self, statement: str) -> None:
        assert isinstance(refusal(statement), NO_PRIVILEGE)
        assert isinstance(owner_refusal(statement), RESTRICTED)

    def test_is_the_only_one_of_its_event(self) -> None:
        event_id = Correction.objects.filter(kind="void").get().event_id
        statement = CORRECTION.replace("id, 1,", f"id, {event_id},")

        error = refusal(statement, "void", None, "0", *NOTED)

        assert error.diag.constraint_name == "billing_correction_one_per_event"


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        (("void", 2, "0", *NOTED), "amendment_has_a_replacement"),
        (("amend", None, "0", *NOTED), "amendment_has_a_replacement"),
        (("amend", 1, "0", *NOTED), "replaces_another_event"),
        (("void", None, "-1", *NOTED), "amount_not_negative"),
        (("void", None, "NaN", *NOTED), "amount_not_negative"),
        (("void", None, "0", "", "ada"), "says_who_and_why"),
        (("void", None, "0", "posted twice", ""), "says_who_and_why"),
    ],
)
def test_what_makes_no_sense_is_refused(
    values: tuple[object, ...], constraint: str
) -> None:
    make.customer()

    error = refusal(CORRECTION, *values)

    assert isinstance(error, CHECKED)
    assert error.diag.constraint_name == f"billing_correction_{constraint}"


@pytest.mark.parametrize(
    ("table", "statement", "check"),
    [
        (
            "billing_correction",
            "UPDATE billing_correction SET amount = 1",
            "correction = the event it takes back",
        ),
        (
            "billing_correction",
            "UPDATE billing_correction SET replacement_id = 99 WHERE kind = 'amend'",
            "every amendment has its replacement",
        ),
        (
            "billing_correction",
            "DELETE FROM billing_correction WHERE kind = 'void'",
            "charges taken back are in their correction's period",
        ),
        (
            "billing_charge",
            "UPDATE billing_charge SET quantity = -1 WHERE correction_id IS NOT NULL",
            "charges taken back = the event's, one by one",
        ),
        (
            "billing_charge",
            "DELETE FROM billing_charge WHERE correction_id IS NOT NULL",
            "charges taken back = the event's, one by one",
        ),
        (
            "billing_charge",
            "UPDATE billing_charge SET corrects = now() WHERE correction_id > 0",
            "charges taken back are in their correction's period",
        ),
        (
            "ledger_entry",
            "UPDATE ledger_entry SET lot_id = NULL WHERE kind = 'reversal'",
            "credits given back = what the event took, lot by lot",
        ),
        (
            "ledger_entry",
            "UPDATE ledger_entry SET reverses = 2 WHERE kind = 'reversal'",
            "every reversal reverses one entry, once",
        ),
        (
            "ledger_entry",
            "DELETE FROM ledger_entry WHERE kind = 'reversal'",
            "funding rollups = entries",
        ),
    ],
)
@pytest.mark.usefixtures("customer")
def test_the_auditor_finds_what_was_changed(
    table: str, statement: str, check: str
) -> None:
    assert found() == set()

    with tampering(table):
        assert execute(statement)

    assert check in found()


@pytest.mark.usefixtures("customer")
def test_the_auditor_finds_an_event_corrected_beside_the_books() -> None:
    event = UsageEvent.objects.get(idempotency_key="req_3")
    statement = CORRECTION.replace("id, 1, now()", f"id, {event.pk}, '{make.NOW}'")

    execute(statement, "void", None, str(event.amount), *NOTED)

    assert found() == {
        "charges taken back = the event's, one by one",
        "credits given back = what the event took, lot by lot",
    }


@pytest.mark.parametrize(
    "failing", [Correction, Charge, UsageRollup, FundingRollup, Entry, UsageEvent]
)
def test_an_amendment_of_which_one_write_fails_leaves_nothing(
    failing: type[Model],
) -> None:
    customer = make.customer(credits="50")
    make.record(make.event())
    with as_owner():
        # A table whose foreign keys are still to be checked cannot be altered.
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute(
            f"ALTER TABLE {failing._meta.db_table} ADD CONSTRAINT refuse_all"
            " CHECK (id IS NULL) NOT VALID"
        )

    with pytest.raises(IntegrityError, match="refuse_all"):
        make.amend(customer)

    assert not Correction.objects.exists()
    assert not Entry.objects.filter(kind=Kind.REVERSAL).exists()
    assert UsageEvent.objects.count() == 1
    assert audit.differences() == []
