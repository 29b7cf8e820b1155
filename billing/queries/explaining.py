"""Saying how a stored charge came about. Nothing here writes."""

from billing.models import Charge
from billing.pricing.charges import ChargeLine
from billing.pricing.explain import explain
from ledger.money import ZERO


def explain_charge(charge: Charge) -> str:
    """Write a charge's arithmetic in one sentence, from what is stored alone.

    What takes a charge back is explained as that charge. Read it with its rate's card.
    """
    sentence = explain(as_line(charge), charge.rate.version.rate_card.currency)
    return f"Taken back: {sentence}" if charge.correction_id else sentence


def as_line(charge: Charge) -> ChargeLine:
    """Return a stored charge, or the one it takes back, as pricing made it.

    Read it with its rate.
    """
    return ChargeLine(
        dimension=charge.dimension,
        rate_id=charge.rate_id,
        band_id=charge.band_id,
        quantity=charge.quantity.copy_abs(),
        unit=charge.unit,
        unit_name=charge.unit_name,
        unit_price=charge.unit_price,
        multiplier=charge.multiplier,
        amount=charge.amount.copy_abs(),
        discount=charge.discount,
        priced_as=charge.rate.dimension,
        tier=charge.tier,
        flat=(charge.flat or ZERO).copy_abs(),
        billed=None if charge.billed is None else charge.billed.copy_abs(),
    )
