import pytest

from invoices.payments.stripe_objects import Method, read_as


@pytest.mark.parametrize(
    ("brand", "label"),
    [
        ("visa", "Visa ending in 4242"),
        ("mastercard", "Mastercard ending in 4242"),
        ("amex", "American Express ending in 4242"),
        ("diners", "Diners Club ending in 4242"),
        ("jcb", "JCB ending in 4242"),
        ("unionpay", "UnionPay ending in 4242"),
    ],
)
def test_a_kept_card_is_called_as_its_holder_calls_it(brand: str, label: str) -> None:
    card = {"brand": brand, "last4": "4242"}

    assert read_as(Method, {"id": "pm_1", "type": "card", "card": card}).label == label


def test_another_way_to_pay_is_called_by_its_kind() -> None:
    assert read_as(Method, {"id": "pm_1", "type": "sepa_debit"}).label == "Sepa debit"
