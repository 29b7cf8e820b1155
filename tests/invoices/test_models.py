import pytest

from invoices.models import NumberSeries, ProviderEvent
from invoices.services.payments import start_payment
from invoices.services.purchases import buy_pack
from tests import make
from tests.invoices.state import draft, use_seed


@pytest.mark.django_db
def test_rows_say_what_they_are() -> None:
    customer = make.customer(credits="50")
    use_seed()
    drafted = draft(customer)
    bought = buy_pack(customer=customer, pack=make.pack(), at=make.NOW)
    payment = start_payment(invoice=bought, at=make.NOW)
    told = ProviderEvent(event_id="msg_1", kind="payment.succeeded")

    assert str(drafted) == f"draft {drafted.pk}"
    assert str(bought) == "INV-2026-000001"
    assert str(bought.lines.get()) == "$50 pack"
    assert str(drafted.applied_credits.get()).endswith(f"on draft {drafted.pk}")
    assert str(payment) == f"simulated {payment.reference}"
    assert str(told) == "payment.succeeded msg_1"
    assert str(NumberSeries.objects.get()) == "INV-2026"
