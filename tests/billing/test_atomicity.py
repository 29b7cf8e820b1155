"""When a later write fails, every earlier one is gone."""

import pytest
from django.db import IntegrityError, models
from django.db.models import Model

from billing.models import (
    Charge,
    FundingRollup,
    IdempotencyClaim,
    QuarantinedEvent,
    Stream,
    UsageEvent,
    UsageRollup,
)
from billing.services.events import Status, StreamPart
from billing.services.grants import grant_pack
from billing.services.metering import cut_stream
from billing.services.quarantine import retry_quarantined
from billing.services.rate_cards import create_rate_card
from ledger.models import CreditLot, Entry, Kind
from tests import audit, make
from tests.raw import as_owner, execute

pytestmark = pytest.mark.django_db
TABLES: list[type[Model]] = [
    Charge,
    FundingRollup,
    IdempotencyClaim,
    UsageEvent,
    UsageRollup,
]


def refuse_all(model: type[models.Model]) -> None:
    """Make every insert into a table fail, as a constraint of its own would."""
    with as_owner():
        execute(
            f"ALTER TABLE {model._meta.db_table} ADD CONSTRAINT refuse_all"
            " CHECK (id IS NULL) NOT VALID"
        )


@pytest.mark.parametrize(
    "failing", [UsageEvent, Charge, UsageRollup, FundingRollup, Entry]
)
def test_a_batch_of_which_one_write_fails_leaves_nothing(
    failing: type[Model],
) -> None:
    customer = make.customer(credits="50")
    refuse_all(failing)

    with pytest.raises(IntegrityError, match="refuse_all"):
        make.record(make.event())

    customer.wallet.refresh_from_db()
    assert [model for model in TABLES if model._default_manager.exists()] == []
    assert customer.wallet.balance == 50
    assert not Entry.objects.filter(kind=Kind.USAGE).exists()


def test_a_batch_whose_quarantine_fails_leaves_nothing() -> None:
    make.customer(credits="50")
    refuse_all(QuarantinedEvent)

    with pytest.raises(IntegrityError, match="refuse_all"):
        make.record(make.event("a"), make.event("b", model="unknown"))

    assert [model for model in TABLES if model._default_manager.exists()] == []


def test_a_key_whose_batch_failed_is_free_again() -> None:
    make.customer(credits="50")
    refuse_all(Charge)
    with pytest.raises(IntegrityError):
        make.record(make.event())

    with as_owner():
        execute("ALTER TABLE billing_charge DROP CONSTRAINT refuse_all")

    [outcome] = make.record(make.event())
    assert outcome.status is Status.ACCEPTED
    assert audit.differences() == []


def test_a_stream_whose_event_fails_stays_open_without_the_chunk() -> None:
    make.customer(credits="50")
    refuse_all(UsageEvent)

    with pytest.raises(IntegrityError):
        make.record(make.event("s", stream=StreamPart(0, is_final=True)))

    assert not Stream.objects.exists()


def test_a_cut_that_fails_leaves_the_stream_open() -> None:
    make.customer(credits="50")
    make.record(make.event("s", stream=StreamPart(0, is_final=False)))
    refuse_all(UsageEvent)
    later = make.NOW.replace(hour=13)

    with pytest.raises(IntegrityError):
        cut_stream(
            customer="cus_abc123", key="s", silent_since=later, received_at=later
        )

    assert Stream.objects.get().closed_at is None


def test_a_retry_that_fails_leaves_the_event_waiting() -> None:
    card = create_rate_card(code="new", name="New", currency="USD")
    make.customer(plan=make.plan(card=card), credits="50")
    make.record(make.event())
    make.published_version(card, make.SEED_CARD, effective_from=make.NOW)
    refuse_all(Charge)

    with pytest.raises(IntegrityError):
        retry_quarantined(received_at=make.NOW)

    assert QuarantinedEvent.objects.get().resolved_at is None
    assert not UsageEvent.objects.exists()


def test_a_pack_whose_bonus_fails_grants_nothing() -> None:
    customer = make.customer()
    pack = make.pack(price="50", bonus="5")
    with as_owner():
        execute(
            "ALTER TABLE ledger_creditlot ADD CONSTRAINT refuse_promotions"
            " CHECK (source <> 'promotion')"
        )

    with pytest.raises(IntegrityError, match="refuse_promotions"):
        grant_pack(
            customer=customer, pack=pack, reference="i:1", actor="ada", at=make.NOW
        )

    assert not CreditLot.objects.exists()
    assert not Entry.objects.exists()
