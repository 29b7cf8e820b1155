"""What the portal's pages may be asked for."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import Http404, QueryDict

from billing.models import ApiKey, CapPeriod, CreditPack
from ledger.forms import AmountField as StrictAmountField
from ledger.models import Kind
from ledger.money import format_bounds

_LARGEST_KEY = 2**63 - 1
# Wider than any customer's history, and far from where dates end.
_FIRST_MONTH = date(2000, 1, 1)
_LAST_MONTH = date(2999, 12, 1)


class QueryForm(forms.Form):
    """The query of an address; one that cannot be answered leads nowhere."""

    @classmethod
    def _read(cls, query: QueryDict, name: str) -> Any:
        form = cls(query)
        if not form.is_valid():
            raise Http404
        return form.cleaned_data[name]


class PlaceForm(QueryForm):
    """Where in a long list a page begins."""

    before = forms.IntegerField(min_value=1, max_value=_LARGEST_KEY, required=False)
    after = forms.IntegerField(min_value=1, max_value=_LARGEST_KEY, required=False)

    @classmethod
    def read_before(cls, query: QueryDict) -> int | None:
        """Return the place that the page lies before, if any."""
        place: int | None = cls._read(query, "before")
        return place

    @classmethod
    def read_after(cls, query: QueryDict) -> int | None:
        """Return the place that the page lies after, if any."""
        place: int | None = cls._read(query, "after")
        return place


class KindForm(QueryForm):
    """Which entries of the ledger are shown."""

    kind = forms.ChoiceField(choices=Kind.choices, required=False)

    @classmethod
    def read_kind(cls, query: QueryDict) -> Kind | None:
        """Return the kind that is asked for, if any."""
        kind: str = cls._read(query, "kind")
        return Kind(kind) if kind else None


class MonthForm(QueryForm):
    """Which month is shown, such as 2026-11."""

    month = forms.DateField(
        input_formats=["%Y-%m"],
        required=False,
        validators=[MinValueValidator(_FIRST_MONTH), MaxValueValidator(_LAST_MONTH)],
    )

    @classmethod
    def read_month(cls, query: QueryDict) -> date | None:
        """Return the first day of the month that is asked for, if any."""
        month: date | None = cls._read(query, "month")
        return month


class FindForm(QueryForm):
    """The idempotency key of a call that is looked for."""

    key = forms.CharField(max_length=255)

    @classmethod
    def read_key(cls, query: QueryDict) -> str:
        """Return the idempotency key, as it was posted."""
        key: str = cls._read(query, "key")
        return key


class ActForm(QueryForm):
    """Which customer a person wants to act for."""

    customer = forms.IntegerField(min_value=1, max_value=_LARGEST_KEY)

    @classmethod
    def read_customer(cls, query: QueryDict) -> int:
        """Return the customer's id."""
        customer: int = cls._read(query, "customer")
        return customer


class BuyForm(QueryForm):
    """Which credit pack a person wants to buy."""

    pack = forms.ModelChoiceField(
        CreditPack.objects.filter(is_active=True), to_field_name="code"
    )
    keep_card = forms.BooleanField(required=False)

    @classmethod
    def read_pack(cls, query: QueryDict) -> CreditPack:
        """Return the pack."""
        pack: CreditPack = cls._read(query, "pack")
        return pack

    @classmethod
    def read_keep_card(cls, query: QueryDict) -> bool:
        """Return whether the card is to be kept for automatic top-ups."""
        keep_card: bool = cls._read(query, "keep_card")
        return keep_card


class AmountField(StrictAmountField):
    """An amount in units of the wallet's currency."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            # The browser would refuse what is finer than its own step.
            widget=forms.TextInput(
                attrs={"class": "field", "inputmode": "decimal", "autocomplete": "off"}
            ),
            **kwargs,
        )


class BuyAmountForm(forms.Form):
    """How much a person wants to buy without a pack."""

    amount = AmountField(label="Amount")
    keep_card = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, currency: str) -> None:
        super().__init__(data, auto_id="buy-%s")
        least, most = settings.PURCHASE_MINIMUM, settings.PURCHASE_MAXIMUM
        bounds = format_bounds(least, most, currency)
        self.fields["amount"].help_text = f"Choose {bounds}; such credits never expire."


class CapForm(forms.Form):
    """How much may be spent, in what time, with which key and on which model."""

    period = forms.ChoiceField(
        label="In a",
        choices=CapPeriod.choices,
        widget=forms.Select(attrs={"class": "field"}),
    )
    amount = AmountField(label="At most", help_text="0: nothing may be spent.")
    api_key = forms.ChoiceField(
        label="With API key",
        required=False,
        widget=forms.Select(attrs={"class": "field"}),
    )
    model = forms.CharField(
        label="On model",
        required=False,
        max_length=200,
        help_text="As calls name it. Empty: every model.",
        widget=forms.TextInput(attrs={"class": "field", "autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, keys: Sequence[ApiKey]) -> None:
        super().__init__(data, auto_id="cap-%s")
        self._keys = {key.prefix: key for key in keys}
        field = cast("forms.ChoiceField", self.fields["api_key"])
        # The ones that are listed, and no other customer's.
        named = [(key.prefix, f"{key.name} ({key.prefix})") for key in keys]
        field.choices = [("", "All keys, and none"), *named]

    def clean_period(self) -> CapPeriod:
        """Return the period that was chosen."""
        return CapPeriod(self.cleaned_data["period"])

    def clean_api_key(self) -> ApiKey | None:
        """Return the key that was chosen, if one was."""
        return self._keys.get(self.cleaned_data["api_key"])
