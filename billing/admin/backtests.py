from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget

from billing import tasks
from billing.admin.backtest_tables import list_tables
from billing.models import Backtest, BacktestChunk, BacktestGap, BacktestLine
from billing.periods import Period, previous_period
from billing.queries.backtests import report_backtest
from billing.services.backtests import start_backtest
from ledger.admin import DescribedAdmin, KeptAdmin, ReadOnlyAdmin, Row, exactly

_ZONE = ZoneInfo("UTC")
_DAY = timedelta(days=1)
LAST_DAYS, LAST_MONTH, CUSTOM = "last_30_days", "last_month", "custom"
_PERIODS = [
    (LAST_DAYS, "The last 30 days"),
    (LAST_MONTH, "The last calendar month"),
    (CUSTOM, "Other days"),
]


class BacktestForm(forms.ModelForm[Backtest]):
    """Which version is tried on which days, in UTC."""

    period = forms.ChoiceField(
        choices=_PERIODS,
        initial=LAST_DAYS,
        widget=UnfoldAdminSelectWidget,
        help_text="In UTC.",
    )
    first_day = forms.DateField(required=False, widget=UnfoldAdminSingleDateWidget)
    last_day = forms.DateField(
        required=False, widget=UnfoldAdminSingleDateWidget, help_text="Included."
    )

    class Meta:
        model = Backtest
        fields = ("version",)
        help_texts = {
            "version": (
                "A draft or any other. Its prices are tried on all calls of the period "
                "that its card has priced. Nothing of the books changes."
            ),
        }

    def clean(self) -> None:
        first, last = map(self.cleaned_data.get, ("first_day", "last_day"))
        if self.cleaned_data.get("period") != CUSTOM:
            return
        if not first or not last:
            self.add_error("first_day", "Choose the first and the last day.")
        elif last < first:
            self.add_error("last_day", "It must not be before the first day.")
        elif last == date.max:
            self.add_error("last_day", f"Choose a day before {last}.")

    def period_before(self, at: datetime) -> Period:
        """Return the days that were chosen, as seen from an instant."""
        chosen = self.cleaned_data["period"]
        if chosen == LAST_DAYS:
            return Period(at - 30 * _DAY, at)
        if chosen == LAST_MONTH:
            return previous_period(at, _ZONE)
        first, last = self.cleaned_data["first_day"], self.cleaned_data["last_day"]
        start = datetime.combine(first, time.min, UTC)
        return Period(start, datetime.combine(last, time.min, UTC) + _DAY)


@admin.register(Backtest)
class BacktestAdmin(DescribedAdmin[Backtest], KeptAdmin[Backtest]):
    form = BacktestForm
    add_form_template = "admin/change_form.html"
    change_form_template = "admin/billing/backtest/report.html"
    # Unfold shows these where the condition holds.
    conditional_fields = {
        "first_day": f"period == '{CUSTOM}'",
        "last_day": f"period == '{CUSTOM}'",
    }
    autocomplete_fields = ("version",)
    list_display = (
        "version",
        "period_start",
        "period_end",
        "status",
        "percent",
        "requested_by",
        "recorded_at",
    )
    list_filter = ("status",)
    list_select_related = ("version__rate_card",)
    search_fields = ("=version__rate_card__code",)
    ordering = ("-pk",)

    @admin.display(description="done")
    def percent(self, backtest: Backtest) -> str:
        return f"{backtest.percent_done}%"

    def get_fields(
        self, request: HttpRequest, obj: Backtest | None = None
    ) -> tuple[str, ...]:
        return () if obj else ("version", "period", "first_day", "last_day")

    def get_form(self, *args: Any, **kwargs: Any) -> type[forms.ModelForm[Backtest]]:
        form = super().get_form(*args, **kwargs)
        version: Any = form.base_fields.get("version")
        if version:
            # It is chosen here, and neither made nor changed.
            version.widget.can_add_related = version.widget.can_view_related = False
            version.widget.can_change_related = False
        return form

    def has_view_permission(
        self, request: HttpRequest, obj: Backtest | None = None
    ) -> bool:
        names = ("view_ratecardversion", "change_ratecardversion")
        return any(request.user.has_perm(f"billing.{name}") for name in names)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.change_ratecardversion")

    def has_change_permission(
        self, request: HttpRequest, obj: Backtest | None = None
    ) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Backtest, form: Any, change: bool
    ) -> None:
        now = timezone.now()
        period = form.period_before(now)
        made = start_backtest(
            version=obj.version,
            start=period.start,
            end=period.end,
            by=str(request.user),
            at=now,
        )
        tasks.plan_backtest.delay_on_commit(backtest_id=made.pk)
        obj.pk, obj.period_start, obj.period_end = made.pk, period.start, period.end

    def response_add(
        self, request: HttpRequest, obj: Backtest, post_url_continue: Any = None
    ) -> HttpResponse:
        return redirect("admin:billing_backtest_change", obj.pk)

    def describe(self, request: HttpRequest, row: Backtest) -> dict[str, Any]:
        return _describe(row, self.has_add_permission(request))


def _describe(backtest: Backtest, may_start: bool) -> dict[str, Any]:
    report = report_backtest(backtest)
    again = reverse("admin:billing_backtest_add")
    return {
        "title": str(backtest),
        "backtest": backtest,
        "currency": backtest.version.rate_card.currency,
        "report": report,
        "tables": list_tables(report, backtest.version.rate_card.currency),
        "again": f"{again}?version={backtest.version_id}" if may_start else "",
    }


class _PartAdmin(ReadOnlyAdmin[Row]):
    """For what a backtest's own page shows: found by its address, not in the menu."""

    list_select_related = ("backtest__version__rate_card", "customer")
    ordering = ("-pk",)
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(BacktestChunk)
class BacktestChunkAdmin(_PartAdmin[BacktestChunk]):
    list_display = ("backtest", "customer", "events", "attempts", "done_at")


@admin.register(BacktestLine)
class BacktestLineAdmin(_PartAdmin[BacktestLine]):
    list_display = (
        "backtest",
        "customer",
        "model",
        "dimension",
        exactly("before"),
        exactly("after"),
    )


@admin.register(BacktestGap)
class BacktestGapAdmin(_PartAdmin[BacktestGap]):
    list_display = ("backtest", "customer", "kind", "model", "reason", "calls")
