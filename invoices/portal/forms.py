"""What the page on alerts and auto top-up may be asked for."""

from typing import Any, cast

from django import forms

from invoices.models import AutoTopUp, PaymentMethod
from invoices.queries.top_ups import TopUp
from ledger.forms import AmountField


class _AmountField(AmountField):
    """An amount in units of the wallet's currency."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            # The browser would refuse what is finer than its own step.
            widget=forms.TextInput(
                attrs={"class": "field", "inputmode": "decimal", "autocomplete": "off"}
            ),
            **kwargs,
        )


class AlertForm(forms.Form):
    """A threshold that is added, or one that is removed."""

    threshold = _AmountField(label="Send a mail below")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="alert-%s")


class TopUpForm(forms.Form):
    """When and what to buy, how much at most, and with which card."""

    threshold = _AmountField(label="When credits fall below")
    amount = _AmountField(label="Buy")
    monthly_maximum = _AmountField(
        label="At most in a month", help_text="A calendar month in UTC."
    )
    method = forms.ChoiceField(
        label="Card", widget=forms.Select(attrs={"class": "field"})
    )

    def __init__(self, data: Any = None, *, top_up: TopUp) -> None:
        super().__init__(data, auto_id="top-up-%s", initial=_initial(top_up.terms))
        self._methods = {str(method.pk): method for method in top_up.methods}
        field = cast("forms.ChoiceField", self.fields["method"])
        # The ones that are listed, and no other customer's.
        field.choices = [(pk, method.label) for pk, method in self._methods.items()]

    def clean_method(self) -> PaymentMethod:
        """Return the card that was chosen."""
        return self._methods[self.cleaned_data["method"]]


def _initial(terms: AutoTopUp | None) -> dict[str, Any]:
    if terms is None:
        return {}
    names = ("threshold", "amount", "monthly_maximum")
    return {name: getattr(terms, name) for name in names} | {"method": terms.method_id}
