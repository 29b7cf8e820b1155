import pytest

from billing.models.plans import Mode
from billing.periods import period_containing
from invoices.services.purchases import buy_pack
from invoices.verification import verify_invoices
from tests import make
from tests.invoices.state import MONTH_END, NOVEMBER, final, use, use_seed


@pytest.mark.django_db
def test_invoices_can_be_derived_again() -> None:
    plan = make.plan(mode=Mode.HYBRID, monthly_fee="20")
    customer = make.customer(plan=plan, credits="0.02")
    use_seed(3)
    use(make.event("large", input_tokens=9_000))
    final(customer)
    use(make.event("late"), received_at=MONTH_END)
    final(customer, period_containing(NOVEMBER.end, customer.zone))
    buy_pack(customer=customer, pack=make.pack(), at=MONTH_END)

    findings = list(verify_invoices())

    assert [finding.differences for finding in findings] == [[], [], [], []]
    assert [finding.compared for finding in findings] == [6, 2, 3, 1]
