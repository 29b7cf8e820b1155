"""What people see of a row in lists and choices."""

import pytest

from billing.models import (
    Charge,
    IdempotencyClaim,
    QuarantinedEvent,
    Stream,
    StreamChunk,
    UsageEvent,
)
from billing.services.events import StreamPart
from ledger.models import Entry, Kind
from tests import make

pytestmark = pytest.mark.django_db


def test_what_was_recorded_is_named_by_its_key() -> None:
    customer = make.customer(credits="50")
    chunk = make.event("talk", stream=StreamPart(3, is_final=False))

    make.record(make.event(), make.event("odd", model="unknown"), chunk)

    claims = {str(claim) for claim in IdempotencyClaim.objects.all()}
    assert claims == {"req_1", "odd"}
    assert str(UsageEvent.objects.get()) == "req_1"
    assert str(Charge.objects.order_by("quantity").first()) == "412 input_tokens"
    assert str(QuarantinedEvent.objects.get()) == "odd: unknown_model"
    assert str(Stream.objects.get()) == "talk"
    assert str(StreamChunk.objects.get()) == "talk #3"
    usage = Entry.objects.get(kind=Kind.USAGE)
    assert str(usage) == "usage -0.014232 (event:req_1)"
    assert str(customer.wallet) == f"wallet {customer.wallet.pk}"


def test_what_is_agreed_is_named_by_its_name() -> None:
    customer = make.customer()

    assert str(customer.plan) == customer.plan.name
    assert str(customer.plan.rate_limit_policy) == customer.plan.rate_limit_policy.name
    assert str(make.pack(price="50")) == "$50 pack"
