from decimal import Decimal

import pytest

from billing.models import Charge, UsageEvent
from billing.queries.explaining import explain_charge
from billing.services.metering import record_events
from invoices.queries import get_call, list_calls, list_lines
from ledger.models import Source
from ledger.money import total
from tests import make
from tests.invoices.state import SEED_COST, draft, final, use, use_seed


@pytest.mark.django_db
class TestGetCall:
    def test_has_the_whole_arithmetic(self) -> None:
        customer = make.customer(credits="50")
        use(make.event())

        call = get_call(customer=customer, key="req_1")

        assert [charge.explanation for charge in call.charges] == [
            "412 input_tokens at $0.003 per 1,000 tokens = $0.001236.",
            "1,083 output_tokens at $0.012 per 1,000 tokens = $0.012996.",
        ]
        assert total(each.charge.amount for each in call.charges) == call.event.amount
        assert (call.version.number, call.event.amount) == (1, SEED_COST)

    def test_has_the_lots_that_paid(self) -> None:
        customer = make.customer()
        bonus = make.lot(customer.wallet, "0.01", source=Source.PROMOTION)
        paid = make.lot(customer.wallet, "50")
        use_seed(1)

        entries = get_call(customer=customer, key="req_1").entries

        assert [(entry.lot, entry.amount) for entry in entries] == [
            (bonus, Decimal("-0.01")),
            (paid, Decimal("-0.004232")),
        ]

    def test_has_only_its_own_entries(self) -> None:
        customer = make.customer(credits="50")
        use_seed(3)

        [entry] = get_call(customer=customer, key="req_2").entries

        assert (entry.cause, entry.amount) == ("event:req_2", -SEED_COST)

    def test_what_no_lot_paid_has_an_entry_without_a_lot(self) -> None:
        customer = make.customer()
        use_seed()

        [entry] = get_call(customer=customer, key="req_1").entries

        assert (entry.lot, entry.amount) == (None, -SEED_COST)

    def test_a_call_that_cost_nothing_has_no_entries(self) -> None:
        customer = make.customer(credits="50")
        use(make.event(input_tokens=0, output_tokens=0))

        call = get_call(customer=customer, key="req_1")

        assert call.entries == []
        assert [each.charge.amount for each in call.charges] == [0, 0]

    def test_is_on_no_line_before_its_invoice_is_final(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        draft(customer)

        assert get_call(customer=customer, key="req_1").lines == []

    def test_leads_to_its_lines_and_they_lead_back(self) -> None:
        customer = make.customer(credits="50")
        use(make.event("small"), make.event("large", input_tokens=9_000))
        invoice = final(customer)

        call = get_call(customer=customer, key="large")

        lines = list_lines(invoice=invoice)
        assert [line.position for line in call.lines] == [2, 4]
        assert call.lines == [lines[1], lines[3]]
        for line in call.lines:
            [back] = list_calls(line=lines.get(pk=line.pk), day=make.NOW.date()).calls
            assert back.key == "large"

    def test_another_customers_key_is_not_found(self) -> None:
        make.customer(credits="50")
        use_seed()
        other = make.customer(external_id="cus_other")

        with pytest.raises(UsageEvent.DoesNotExist):
            get_call(customer=other, key="req_1")

    def test_a_quarantined_call_is_not_found(self) -> None:
        customer = make.customer(credits="50")
        unpriced = make.event(model="unheard-of")
        record_events(events=[unpriced], received_at=make.NOW)

        with pytest.raises(UsageEvent.DoesNotExist):
            get_call(customer=customer, key="req_1")


@pytest.mark.django_db
def test_a_band_is_in_the_explanation() -> None:
    make.customer(credits="50")
    use(make.event(input_tokens=9_000, output_tokens=0))

    charge = Charge.objects.select_related("rate__version__rate_card").first()

    assert charge
    assert explain_charge(charge) == (
        "9,000 input_tokens at $0.003 per 1,000 tokens × 1.8 (context band) = $0.0486."
    )
