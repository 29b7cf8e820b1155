"""How amounts are typed, in the admin of all apps and in the portal."""

import re
from decimal import Decimal
from typing import Any, Final

from django import forms

from ledger.money import SCALE, as_text

INTEGER_DIGITS: Final = 19

# Longer ones are told from what is no number, so that the error names the digits.
_PLAIN = re.compile(r"[0-9]{1,60}(?:\.[0-9]{1,60})?")


class AmountField(forms.DecimalField):
    """An amount from 0 in plain digits, no more of them than the database takes.

    There is no sign, no exponent and no other script's digit. It is offered for
    editing with the digits it has, not with all it could have.
    """

    default_error_messages = {
        "invalid": "Enter a number. In plain digits, such as 12.50."
    }

    def __init__(self, **kwargs: Any) -> None:
        digits = {"max_digits": INTEGER_DIGITS + SCALE, "decimal_places": SCALE}
        super().__init__(**kwargs | digits)

    def to_python(self, value: Any) -> Any:
        """Return the amount; nothing for what is empty."""
        if value in self.empty_values:
            return None
        text = str(value).strip()
        if not _PLAIN.fullmatch(text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return Decimal(text)

    def prepare_value(self, value: Any) -> Any:
        """Return what stands in the field: what was typed, or the amount as text."""
        return as_text(value) if isinstance(value, Decimal) else value


def find_amount(text: str) -> Decimal | None:
    """Return the amount that a text is, if it is one."""
    try:
        amount: Decimal | None = AmountField(required=False).clean(text)
    except forms.ValidationError:
        return None
    return amount
