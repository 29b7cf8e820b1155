"""Refunding by hand: a form with a live preview, and a second person's decision."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from invoices import tasks
from invoices.models import Invoice, Kind, Refund, RefundStatus, Status
from invoices.queries.refunds import (
    NotRefundableError,
    RefundPlan,
    list_entries,
    list_refunds,
    plan_refund,
    quote_refund,
)
from invoices.services.refunds import (
    NotWaitingError,
    RefundKeyReusedError,
    SamePersonError,
    approve_refund,
    decline_refund,
    request_refund,
)
from ledger.admin import AMOUNT, AmountField, ReadOnlyAdmin
from ledger.failpoints import failpoint
from ledger.money import MAX_DIGITS, SCALE

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from collections.abc import Sequence

    from django.contrib.admin import action
else:
    from unfold.decorators import action

_REFUSALS = (
    NotRefundableError,
    RefundKeyReusedError,
    NotWaitingError,
    SamePersonError,
)
# The preview follows the amount while it is typed.
_LIVE = {
    "hx-get": "",
    "hx-trigger": "input changed delay:300ms",
    "hx-target": "#preview",
    "hx-select": "#preview",
    "hx-swap": "outerHTML",
}


class RefundForm(forms.Form):
    amount = AmountField(
        max_digits=MAX_DIGITS,
        decimal_places=SCALE,
        widget=UnfoldAdminDecimalFieldWidget(attrs=_LIVE),
        help_text="In money. All that is unused, unless it is changed.",
    )
    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="The customer reads it on the credit note.",
    )
    # Pressing twice asks once.
    key = forms.CharField(max_length=255, widget=forms.HiddenInput)


class RefundingAdmin(ReadOnlyAdmin[Invoice]):
    """Lets operators refund a purchase, after they saw what that takes."""

    actions_detail = ("refund",)

    def has_refund_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("invoices.add_refund")

    def get_actions_detail(
        self, request: HttpRequest, object_id: str
    ) -> "Sequence[object]":
        bought = Invoice.objects.filter(
            pk=object_id, kind=Kind.PURCHASE, status=Status.PAID
        )
        if not bought.exists():
            return ()
        return super().get_actions_detail(request, object_id)  # type: ignore[misc, no-any-return]

    @action(description="Refund", permissions=["refund"])
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = get_object_or_404(Invoice, pk=object_id)
        page = reverse("admin:invoices_invoice_change", args=[invoice.pk])
        plan, problem = _preview(invoice, _typed(request))
        initial = {
            "amount": plan.quote.money if plan else None,
            "key": get_random_string(32),
        }
        form = RefundForm(request.POST or None, initial=initial)
        if form.is_valid() and _request(form, request, invoice):
            return redirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Refund {invoice}",
            "opts": self.opts,
            "invoice": invoice,
            "form": form,
            "plan": plan,
            "problem": problem,
            "refunds": list_refunds(invoice=invoice),
            "page": page,
        }
        return render(request, "admin/refund_invoice.html", context)


def _typed(request: HttpRequest) -> Decimal | None:
    """Return the amount that is being typed, if it is one yet."""
    text = request.POST.get("amount") or request.GET.get("amount") or ""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount.adjusted() < SCALE else None


def _preview(invoice: Invoice, amount: Decimal | None) -> tuple[RefundPlan | None, str]:
    """Return what a refund would take, or why there can be none."""
    try:
        quote = quote_refund(invoice=invoice, at=timezone.now())
        return plan_refund(quote=quote, amount=amount), ""
    except NotRefundableError as error:
        return None, str(error)


def _request(form: RefundForm, request: HttpRequest, invoice: Invoice) -> bool:
    """Ask for a refund as the form says; returns whether it was not refused."""
    try:
        refund = request_refund(
            invoice=invoice,
            amount=form.cleaned_data["amount"],
            reason=form.cleaned_data["reason"],
            key=form.cleaned_data["key"],
            by=request.user.get_username(),
            at=timezone.now(),
        )
    except _REFUSALS as error:
        form.add_error(None, str(error))
        return False
    failpoint("refund-requested")
    if refund.status == RefundStatus.REQUESTED:
        messages.warning(request, f"{refund} waits for somebody else to approve it.")
    else:
        _send(request, refund)
    return True


def _send(request: HttpRequest, refund: Refund) -> None:
    tasks.send_refund.delay_on_commit(refund_id=refund.pk)
    messages.success(request, f"The credits are taken, and {refund} is on its way.")


class DecidingAdmin(ReadOnlyAdmin[Refund]):
    """Lets a second person approve a refund that waits, or decline it."""

    actions_detail = ("approve", "decline")

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("invoices.change_refund")

    def get_actions_detail(
        self, request: HttpRequest, object_id: str
    ) -> "Sequence[object]":
        waiting = Refund.objects.filter(pk=object_id, status=RefundStatus.REQUESTED)
        if not waiting.exists():
            return ()
        return super().get_actions_detail(request, object_id)  # type: ignore[misc, no-any-return]

    @action(description="Approve", permissions=["decide"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_approval=True)

    @action(description="Decline", permissions=["decide"])
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_approval=False)

    def _decide(
        self, request: HttpRequest, object_id: str, *, is_approval: bool
    ) -> HttpResponse:
        refunds = Refund.objects.select_related("payment__invoice__customer")
        refund = get_object_or_404(refunds, pk=object_id)
        page = reverse("admin:invoices_refund_change", args=[refund.pk])
        refusal = ""
        if request.method == "POST":
            refusal = _decide(request, refund, is_approval=is_approval)
            if not refusal:
                return redirect(page)
        plan, problem = _preview(refund.payment.invoice, refund.amount)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{'Approve' if is_approval else 'Decline'} {refund}",
            "opts": self.opts,
            "refund": refund,
            "plan": plan,
            "problem": problem,
            "refusal": refusal,
            "is_approval": is_approval,
            "page": page,
        }
        return render(request, "admin/decide_refund.html", context)


def _decide(request: HttpRequest, refund: Refund, *, is_approval: bool) -> str:
    """Approve or decline; returns why that was refused, if it was."""
    decide = approve_refund if is_approval else decline_refund
    try:
        decided = decide(
            refund=refund, by=request.user.get_username(), at=timezone.now()
        )
    except _REFUSALS as error:
        return str(error)
    if is_approval:
        _send(request, decided)
    else:
        messages.info(request, f"{decided} is declined.")
    return ""


@admin.register(Refund)
class RefundAdmin(DecidingAdmin):
    list_display = (
        "__str__",
        "invoice",
        AMOUNT,
        "currency",
        "kind",
        "status",
        "requested_by",
        "approved_by",
        "requested_at",
        "asked",
        "ask_failure",
    )
    list_filter = ("status", "kind", ("ask_failure", admin.EmptyFieldListFilter))
    list_select_related = ("payment__invoice",)
    search_fields = ("=reference", "=payment__invoice__number")
    ordering = ("-pk",)
    show_full_result_count = False
    readonly_fields = ("invoice", "entries")

    def get_fields(self, request: HttpRequest, obj: Refund | None = None) -> list[Any]:
        return ["invoice", *super().get_fields(request, obj)]

    @admin.display(description="invoice")
    def invoice(self, refund: Refund) -> SafeString:
        invoice = refund.payment.invoice
        url = reverse("admin:invoices_invoice_change", args=[invoice.pk])
        return format_html('<a href="{}">{}</a>', url, invoice)

    @admin.display(description="entries")
    def entries(self, refund: Refund) -> SafeString | str:
        rows = ((each, each.lot or "overdraft") for each in list_entries(refund=refund))
        return format_html_join("", "<p>{}: {}</p>", rows) or "-"
