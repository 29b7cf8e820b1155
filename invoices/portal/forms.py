"""What the page on alerts and auto top-up may be asked for."""

from typing import Any, cast

from django import forms
from django.http import QueryDict

from billing.forms import AmountField, QueryForm
from invoices.models import AutoTopUp, PaymentMethod
from invoices.queries.top_ups import TopUp

# Every five seconds, for a minute.
MOST_LOOKS = 12


class ReturnForm(QueryForm):
    """How often an invoice was looked at since the person came back from paying."""

    returned = forms.IntegerField(min_value=1, max_value=MOST_LOOKS + 1, required=False)

    @classmethod
    def read_looks(cls, query: QueryDict) -> int:
        """Return the number of looks; none of one who came another way."""
        looks: int | None = cls._read(query, "returned")
        return looks or 0


class AlertForm(forms.Form):
    """A threshold that is added, or one that is removed."""

    threshold = AmountField(label="Send a mail below")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="alert-%s")


class TopUpForm(forms.Form):
    """When and what to buy, how much at most, and with which card."""

    threshold = AmountField(label="When credits fall below")
    amount = AmountField(label="Buy")
    monthly_maximum = AmountField(
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
