"""What sees refunds through by itself, whoever was killed on the way."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from config.celery import app
from invoices.payments import ProviderError
from invoices.payments.simulated import SimulatedProvider
from invoices.tasks import sweep_refunds
from tests.invoices.refunding import bought, notes, refund

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]


@pytest.fixture
def later() -> Iterator[None]:
    """Move the clock by more than the minute that a refund may take."""
    with time_machine.travel(timedelta(seconds=61), tick=False):
        yield


def test_the_sweep_is_scheduled_every_minute() -> None:
    entry = app.conf.beat_schedule["see refunds through"]

    assert entry["task"] == "invoices.tasks.sweep_refunds"
    assert len(entry["schedule"].minute) == 60


@pytest.mark.usefixtures("later")
def test_a_refund_that_was_not_sent_is_sent() -> None:
    made = refund(bought(), "20")

    sweep_refunds()

    made.refresh_from_db()
    assert made.status == "succeeded"
    assert notes() == [("CN-2026-000001", 20)]


def test_a_refund_has_a_minute_before_it_is_swept() -> None:
    made = refund(bought(), "20")

    sweep_refunds()

    made.refresh_from_db()
    assert made.status == "withdrawn"


@pytest.mark.usefixtures("later")
def test_one_without_an_answer_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invoice = bought()
    first, second = (refund(invoice, "20", key=key) for key in ("a", "b"))
    honest = SimulatedProvider.refund

    def answer(self: SimulatedProvider, *, refund: object) -> object:
        if refund == first:
            raise ProviderError
        return honest(self, refund=second)

    monkeypatch.setattr(SimulatedProvider, "refund", answer)
    sweep_refunds()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("withdrawn", "succeeded")
