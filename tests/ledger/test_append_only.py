"""History, of whatever app, refuses to be changed by whoever asks."""

import pytest
from django.apps import apps
from django.db import models

from billing.services.events import StreamPart
from ledger.append_only import AppendOnly
from tests import make
from tests.billing.volume import true_up_a_month
from tests.raw import NO_PRIVILEGE, RESTRICTED, owner_refusal, refusal

pytestmark = pytest.mark.django_db
HISTORY = [model for model in apps.get_models() if issubclass(model, AppendOnly)]
RECORDED = [model for model in HISTORY if model._meta.app_label != "invoices"]


def table(model: type[models.Model]) -> str:
    return model._meta.db_table


@pytest.mark.parametrize("model", HISTORY)
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_the_application_may_only_add_to_it(
    model: type[models.Model], change: str
) -> None:
    error = refusal(change.format(table(model)))

    assert isinstance(error, NO_PRIVILEGE)


@pytest.mark.parametrize("model", RECORDED)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_a_trigger_refuses_even_the_owner(
    model: type[models.Model], change: str
) -> None:
    customer = make.customer(credits="50")
    make.terms(customer)
    make.record(make.event(), make.event("s", stream=StreamPart(0, is_final=True)))
    make.void(customer)
    true_up_a_month()

    error = owner_refusal(change.format(table(model)))

    assert isinstance(error, RESTRICTED)
    assert "is append-only" in str(error)
