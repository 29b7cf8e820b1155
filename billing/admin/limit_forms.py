"""Which days, and which limits, a report on limits is asked about."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from billing.models import Plan
from billing.periods import Period
from billing.queries.limit_simulation import limits_of
from ratelimits.models import RateLimitPolicy
from ratelimits.simulating import OTHERS, Rates

_DAY = timedelta(days=1)
_DAYS = 30
EVERY_OTHER = "Every other model"


class DaysForm(forms.Form):
    """Whole days in UTC; the last 30 of them, today included, unless others are."""

    longest = 366

    first_day = forms.DateField(required=False, widget=UnfoldAdminSingleDateWidget)
    last_day = forms.DateField(
        required=False, widget=UnfoldAdminSingleDateWidget, help_text="Included, UTC."
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        today = timezone.now().astimezone(UTC).date()
        days = {"first_day": today - (_DAYS - 1) * _DAY, "last_day": today}
        if data is not None and not any(data.get(name) for name in days):
            data = data.copy()
            data.update({name: str(day) for name, day in days.items()})
        super().__init__(data, initial=days, **kwargs)

    def clean(self) -> None:
        first, last = self._days()
        if last < first:
            self.add_error("last_day", "It must not be before the first day.")
        elif last == date.max:
            self.add_error("last_day", f"Choose a day before {last}.")
        elif (last - first).days >= self.longest:
            self.add_error("first_day", f"Choose {self.longest} days at most.")

    def _days(self) -> tuple[date, date]:
        """Return the days that were chosen, or what stands for those that were not."""
        last = self.cleaned_data.get("last_day") or self.initial["last_day"]
        before = last - min(last - date.min, (_DAYS - 1) * _DAY)
        return self.cleaned_data.get("first_day") or before, last

    @property
    def period(self) -> Period:
        """The days as instants."""
        first, last = self._days()
        start = datetime.combine(first, time.min, UTC)
        return Period(start, datetime.combine(last, time.min, UTC) + _DAY)


class SimulationForm(DaysForm):
    """A policy's limits, to be changed, or another policy's in their place."""

    longest = 31

    plan = forms.ModelChoiceField(
        Plan.objects.none(),
        required=False,
        empty_label="All plans with this policy",
        widget=UnfoldAdminSelectWidget,
        label="Customers of",
    )
    instead = forms.ModelChoiceField(
        RateLimitPolicy.objects.none(),
        required=False,
        empty_label="The limits below",
        widget=UnfoldAdminSelectWidget,
        label="Try",
        help_text="Or another policy's, as if they moved to it.",
    )

    def __init__(self, data: Any = None, *, policy: RateLimitPolicy) -> None:
        super().__init__(data)
        self._models = sorted({OTHERS, *limits_of(policy)}, key=lambda each: -len(each))
        plans: Any = self.fields["plan"]
        plans.queryset = Plan.objects.filter(rate_limit_policy=policy).order_by("code")
        policies: Any = self.fields["instead"]
        others = RateLimitPolicy.objects.exclude(pk=policy.pk)
        policies.queryset = others.prefetch_related("limits").order_by("code")
        for number, model in enumerate(self._models):
            self._add_row(number, limits_of(policy).get(model, Rates(None, None)))
        self.fields["model"] = forms.CharField(
            required=False,
            max_length=200,
            label="Another model",
            widget=UnfoldAdminTextInputWidget,
        )
        self._add_row(len(self._models), Rates(None, None))

    def _add_row(self, number: int, rates: Rates) -> None:
        for name, value in rates._asdict().items():
            self.fields[f"{name}_{number}"] = forms.IntegerField(
                required=False,
                min_value=1,
                max_value=10**15,
                initial=value,
                label=name.upper(),
                widget=UnfoldAdminIntegerFieldWidget,
            )

    @property
    def rows(self) -> Iterator[tuple[str, Any, Any]]:
        """What each row of limits is for, and its two fields."""
        for number, model in enumerate(self._models):
            name = model or EVERY_OTHER
            yield name, self[f"rpm_{number}"], self[f"tpm_{number}"]

    @property
    def added(self) -> tuple[Any, Any]:
        """The two fields of a model that has no limit of its own yet."""
        number = len(self._models)
        return self[f"rpm_{number}"], self[f"tpm_{number}"]

    def clean(self) -> None:
        super().clean()
        number = len(self._models)
        asked = any(self.cleaned_data.get(f"{each}_{number}") for each in Rates._fields)
        if asked and not self.cleaned_data.get("model"):
            self.add_error("model", "Say which model the limit is for.")

    @property
    def limits(self) -> dict[str, Rates]:
        """The limits to be tried; empty fields limit nothing."""
        instead = self.cleaned_data["instead"]
        if instead is not None:
            return limits_of(instead)
        found = {
            model: self._rates(number) for number, model in enumerate(self._models)
        }
        if self.cleaned_data["model"]:
            found[self.cleaned_data["model"]] = self._rates(len(self._models))
        return found

    def _rates(self, number: int) -> Rates:
        return Rates(
            self.cleaned_data[f"rpm_{number}"], self.cleaned_data[f"tpm_{number}"]
        )
