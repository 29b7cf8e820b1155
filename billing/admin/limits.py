from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.limit_forms import DaysForm, SimulationForm
from billing.admin.limit_tables import (
    policy_table,
    pressure_tables,
    simulation_table,
    write_limits,
)
from billing.admin.sheets import Row, as_sheet
from billing.models import LimitName, RefusalCursor, RefusalRollup
from billing.queries.limit_policies import (
    PolicyUse,
    count_customers,
    list_policy_uses,
)
from billing.queries.limit_pressure import (
    MOST_CUSTOMERS,
    LimitPressure,
    list_pressure,
)
from billing.queries.limit_simulation import (
    TooManyCallsError,
    count_calls,
    simulate_customers,
    sort_constrained,
    try_limits,
)
from ledger.admin import AMOUNT, HistoryAdmin, ReadOnlyAdmin, exactly
from ledger.money import as_text
from ratelimits.admin import RateLimitPolicyAdmin
from ratelimits.models import RateLimitPolicy

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from django.contrib.admin import action
else:
    from unfold.decorators import action

# Some seconds of one core; for more there is the command.
MOST_CALLS = 500_000
_TOO_MANY = (
    "There are more than {:,} calls in these days. Choose fewer, or run "
    "manage.py simulate_limits, which has no bound."
)
_FOLDER = "admin/billing/limits"


@admin.register(RefusalRollup)
class RefusalRollupAdmin(HistoryAdmin[RefusalRollup]):
    """Adds the reports on limits to the list of refusals."""

    actions_list = ("pressure", "simulation")
    list_display = (
        "customer",
        "hour",
        "model",
        "limit",
        "refusals",
        exactly("tokens"),
        AMOUNT,
    )
    list_filter = ("limit",)
    list_select_related = ("customer",)
    search_fields = ("=customer__external_id",)

    @action(description="Limit pressure", permissions=["view"])
    def pressure(self, request: HttpRequest) -> HttpResponseBase:
        form = DaysForm(request.GET)
        found: list[LimitPressure] = []
        if form.is_valid():
            period = form.period
            found = list_pressure(start=period.start, end=period.end)
        if "csv" in request.GET:
            return as_sheet("limit_pressure.csv", _pressure_rows(found))
        return self._render(
            request,
            "pressure.html",
            title="Limit pressure",
            form=form,
            is_valid=form.is_valid(),
            tables=pressure_tables(found),
            is_cut=len(found) == MOST_CUSTOMERS,
            most=MOST_CUSTOMERS,
            query=_query(request),
            rolled_up=RefusalCursor.objects.first(),
        )

    @action(description="Simulation", permissions=["view"])
    def simulation(self, request: HttpRequest) -> HttpResponse:
        uses = list_policy_uses()
        chosen = request.GET.get("policy")
        if chosen is None:
            return self._render(
                request,
                "policies.html",
                title="Limit simulation",
                tables=[policy_table(uses)],
            )
        use = next((each for each in uses if str(each.policy.pk) == chosen), None)
        if use is None:
            raise Http404
        return self._simulate(request, use)

    def _simulate(self, request: HttpRequest, use: PolicyUse) -> HttpResponse:
        is_run = "run" in request.GET
        form = SimulationForm(request.GET if is_run else None, policy=use.policy)
        shown: dict[str, Any] = {}
        if is_run and form.is_valid():
            shown = _run(form, use.policy)
        return self._render(
            request,
            "simulation.html",
            title=f"Limit simulation of {use.policy.name}",
            use=use,
            limits=write_limits(use.limits),
            form=form,
            **shown,
        )

    def _render(
        self, request: HttpRequest, template: str, **shown: Any
    ) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **shown}
        return render(request, f"{_FOLDER}/{template}", context)


def _run(form: SimulationForm, policy: RateLimitPolicy) -> dict[str, Any]:
    """Return what a page shows of a simulation, or why there is none."""
    period = form.period
    trial = try_limits(
        policy,
        form.limits,
        start=period.start,
        end=period.end,
        plan=form.cleaned_data["plan"],
    )
    try:
        calls = count_calls(trial, most=MOST_CALLS)
    except TooManyCallsError as error:
        return {"problem": _TOO_MANY.format(error.most)}
    found = sort_constrained(simulate_customers(trial))
    return {
        "calls": calls,
        "customers": len(found),
        "worse": sum(each.is_worse for each in found),
        "tried": write_limits(trial.after),
        "period": period,
        "table": simulation_table(found) if found else None,
    }


def _query(request: HttpRequest) -> str:
    """Return the days that were chosen, as they stand in the address."""
    chosen = request.GET.copy()
    chosen.pop("csv", None)
    return chosen.urlencode()


_COLUMNS = (
    *("customer", "name", "plan", "limits", "calls_made"),
    *(f"refused_by_{name}" for name in LimitName.values),
    *("share_percent", "peak_requests", "peak_tokens", "calls_looked_at"),
    *("tokens_refused", "amount_refused", "currency", "tier_proposed"),
    *("monthly_fee_difference", "revenue"),
)


def _pressure_rows(found: list[LimitPressure]) -> Iterator[Row]:
    yield _COLUMNS
    for each in found:
        customer = each.customer
        together = each.peaks.together
        yield (
            *(customer.external_id, customer.name, customer.plan.code),
            *(write_limits(each.limits), each.calls),
            *(each.count(name) for name in LimitName.values),
            *(each.share, together.requests, together.tokens, each.peaks.calls),
            *(as_text(each.tokens), as_text(each.amount), customer.plan.currency),
            each.tier.code if each.tier else "",
            *(as_text(each.fee_difference), as_text(each.revenue)),
        )


@admin.register(RefusalCursor)
class RefusalCursorAdmin(ReadOnlyAdmin[RefusalCursor]):
    """For who looks into why refusals are not added up: not in the menu."""

    list_display = ("last_id", "stream", "rolled_up_at")
    ordering = ("pk",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False


admin.site.unregister(RateLimitPolicy)


@admin.register(RateLimitPolicy)
class UsedPolicyAdmin(RateLimitPolicyAdmin):
    """Adds who is on a policy, and leads to what other limits would do."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*super().get_list_display(request), "customers", "reports"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RateLimitPolicy]:
        return count_customers(super().get_queryset(request))

    @admin.display(ordering="customers")
    def customers(self, policy: Any) -> int:
        return int(policy.customers)

    def reports(self, policy: RateLimitPolicy) -> SafeString:
        look = "text-primary-600 dark:text-primary-500"
        return format_html(
            '<a class="{}" href="{}">Pressure</a> · '
            '<a class="{}" href="{}?policy={}">Simulation</a>',
            look,
            reverse("admin:billing_refusalrollup_pressure"),
            look,
            reverse("admin:billing_refusalrollup_simulation"),
            policy.pk,
        )
