"""Refusals: noted in Redis, and added up by customer, hour, model and limit."""

import socket
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import redis
from pytest_django import Settings
from redis.typing import EncodableT, FieldT

from billing.models import Customer, RefusalCursor, RefusalRollup
from billing.services import refusals
from billing.services.refusal_entries import Refusal, as_fields
from billing.services.refusals import note_refusal, roll_up_refusals
from config.celery import app
from ratelimits.breaker import Breaker
from tests import make
from tests.billing.refusing import redis_client, stream
from tests.make import NOW, row
from tests.threads import run_at_once

__all__ = ["stream"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stream")]

HOUR = datetime(2026, 11, 15, 12, tzinfo=UTC)


@pytest.fixture
def customer() -> Customer:
    return make.customer()


def note(
    customer: Customer,
    *,
    limit: str = "requests",
    model: str = "text-gen-v3",
    tokens: int = 100,
    amount: str = "0.5",
    at: datetime = NOW,
) -> None:
    note_refusal(
        customer_id=customer.pk,
        model=model,
        limit=limit,
        tokens=tokens,
        amount=Decimal(amount),
        at=at,
    )


def rollups() -> list[tuple[object, ...]]:
    names = ("hour", "model", "limit", "refusals", "tokens", "amount")
    rows = RefusalRollup.objects.order_by("hour", "model", "limit")
    return list(rows.values_list(*names))


class TestRollUp:
    def test_adds_up_an_hours_refusals(self, customer: Customer) -> None:
        note(customer, at=HOUR + timedelta(minutes=59))
        note(customer, tokens=50, amount="0.25", at=HOUR)

        counted = roll_up_refusals(at=NOW)

        assert counted == 2
        assert rollups() == [
            row(HOUR, "text-gen-v3", "requests", 2, 150, Decimal("0.75"))
        ]
        last_at = RefusalRollup.objects.get().last_at
        assert last_at == HOUR + timedelta(minutes=59)

    def test_keeps_hours_models_and_limits_apart(self, customer: Customer) -> None:
        note(customer)
        note(customer, limit="tokens")
        note(customer, model="voice")
        note(customer, at=NOW + timedelta(hours=1))

        roll_up_refusals(at=NOW)

        assert [each[3] for each in rollups()] == [1, 1, 1, 1]

    def test_adds_to_what_was_counted_before(self, customer: Customer) -> None:
        note(customer)
        roll_up_refusals(at=NOW)
        note(customer)
        roll_up_refusals(at=NOW)
        roll_up_refusals(at=NOW)

        assert RefusalRollup.objects.get().refusals == 2

    def test_leaves_nothing_in_redis(self, customer: Customer) -> None:
        note(customer)

        roll_up_refusals(at=NOW)

        assert redis_client().xlen(refusals.STREAM) == 0

    def test_takes_many_batches(
        self, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(refusals, "BATCH", 2)
        for _ in range(5):
            note(customer)

        assert roll_up_refusals(at=NOW) == 5
        assert RefusalRollup.objects.get().refusals == 5

    def test_says_when_it_last_ran(self) -> None:
        roll_up_refusals(at=NOW)

        assert RefusalCursor.objects.get().rolled_up_at == NOW

    def test_runs_by_the_clock(self, customer: Customer) -> None:
        note(customer)

        app.tasks["billing.tasks.roll_up_refusals"]()

        schedule = app.conf.beat_schedule["add up refusals"]
        assert schedule["task"] == "billing.tasks.roll_up_refusals"
        assert RefusalRollup.objects.get().refusals == 1


class TestWhatIsOdd:
    @pytest.mark.parametrize("fields", [{"nothing": "1"}, {"customer_id": "x"}])
    def test_an_unreadable_entry_holds_nothing_up(
        self, customer: Customer, fields: dict[FieldT, EncodableT]
    ) -> None:
        redis_client().xadd(refusals.STREAM, fields)
        note(customer)

        assert roll_up_refusals(at=NOW) == 2
        assert RefusalRollup.objects.get().refusals == 1

    def test_a_customer_that_is_gone_holds_nothing_up(self, customer: Customer) -> None:
        stranger = Customer(pk=customer.pk + 1)
        note(stranger)
        note(customer)

        roll_up_refusals(at=NOW)

        assert RefusalRollup.objects.get().customer == customer

    @pytest.mark.parametrize("model", ["a\0b", "\ud800", "x" * 1000, ""])
    def test_a_model_may_be_called_anything(
        self, customer: Customer, model: str
    ) -> None:
        note(customer, model=model)

        roll_up_refusals(at=NOW)

        assert RefusalRollup.objects.get().refusals == 1

    @pytest.mark.parametrize(
        "wrong", [{"limit": "quota"}, {"tokens": -1}, {"amount": "NaN"}]
    )
    def test_what_is_no_refusal_is_not_noted(
        self, customer: Customer, wrong: dict[str, object]
    ) -> None:
        with pytest.raises(ValueError, match=r"quota|cannot be refused"):
            note(customer, **wrong)  # type: ignore[arg-type]


class TestRedisLost:
    def test_postgresql_takes_what_redis_does_not(
        self, customer: Customer, settings: Settings
    ) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:9/0"

        note(customer)
        note(customer)

        assert RefusalRollup.objects.get().refusals == 2

    def test_a_redis_that_hangs_is_not_waited_for(
        self, customer: Customer, settings: Settings
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
            settings.GATE_TIMEOUT_SECONDS = 0.05
            began = time.monotonic()
            note(customer)

        assert time.monotonic() - began < 1
        assert RefusalRollup.objects.get().refusals == 1

    def test_a_redis_that_is_left_alone_is_not_asked(
        self, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        breaker = Breaker(pause=60)
        breaker.note_failure(redis.TimeoutError())
        monkeypatch.setattr("ratelimits.server._BREAKER", breaker)

        note(customer)

        assert RefusalRollup.objects.get().refusals == 1

    def test_the_task_fails_until_redis_answers(
        self, customer: Customer, settings: Settings
    ) -> None:
        note(customer)
        url, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:9/0"
        with pytest.raises(redis.ConnectionError):
            roll_up_refusals(at=NOW)
        settings.REDIS_URL = url

        assert roll_up_refusals(at=NOW) == 1

    def test_a_stream_that_began_anew_counts_though_its_ids_are_lower(
        self, customer: Customer
    ) -> None:
        note(customer)
        roll_up_refusals(at=NOW)
        redis_client().delete(refusals.STREAM)
        fields = as_fields(
            Refusal.of(
                customer_id=customer.pk,
                model="text-gen-v3",
                limit="requests",
                tokens=1,
                amount=Decimal(1),
                at=NOW,
            )
        )
        redis_client().xadd(refusals.STREAM, fields, id="5-1")

        roll_up_refusals(at=NOW)
        roll_up_refusals(at=NOW)

        assert RefusalRollup.objects.get().refusals == 2

    def test_what_was_counted_and_not_deleted_counts_once(
        self, customer: Customer
    ) -> None:
        note(customer)
        refusals.count_entries(at=NOW)
        note(customer)

        assert roll_up_refusals(at=NOW) == 2
        assert RefusalRollup.objects.get().refusals == 2
        assert redis_client().xlen(refusals.STREAM) == 0


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_that_add_up_count_once(
        self, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(refusals, "BATCH", 10)
        for _ in range(50):
            note(customer)

        run_at_once([lambda: roll_up_refusals(at=NOW)] * 4)

        assert RefusalRollup.objects.get().refusals == 50

    def test_sums_and_position_are_stored_together(
        self, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise OSError

        note(customer)
        with monkeypatch.context() as patch:
            patch.setattr(RefusalCursor, "save", fail)
            with pytest.raises(OSError, match=r"^$"):
                roll_up_refusals(at=NOW)
        assert not RefusalRollup.objects.exists()

        roll_up_refusals(at=NOW)

        assert RefusalRollup.objects.get().refusals == 1
