"""Refunding by hand: a form, a preview of its entries, a confirmation."""

from decimal import Decimal
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from invoices import tasks
from invoices.models import Invoice, Kind, Refund, RefundStatus, Status
from invoices.queries.refund_plans import RefundPreview, preview_refund
from invoices.queries.refunds import NotRefundableError, list_refunds
from invoices.services.refunds import RefundKeyReusedError, request_refund
from ledger.admin import ReadOnlyAdmin
from ledger.failpoints import failpoint
from ledger.forms import AmountField, find_amount

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from collections.abc import Sequence

    from django.contrib.admin import action
else:
    from unfold.decorators import action

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
        row = self.find_row(request, object_id)
        if row is None or (row.kind, row.status) != (Kind.PURCHASE, Status.PAID):
            return ()
        return super().get_actions_detail(request, object_id)  # type: ignore[misc, no-any-return]

    @action(description="Refund", permissions=["refund"])
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self.get_row(request, object_id)
        page = reverse("admin:invoices_invoice_change", args=[invoice.pk])
        form = RefundForm(request.POST or None)
        is_ready = form.is_valid() and "_change" not in request.POST
        if is_ready and "_refund" in request.POST and _request(form, request, invoice):
            return redirect(page)
        preview = _preview(form, request, invoice)
        if preview.quote:
            most = preview.quote.money
            form.initial = {"amount": most, "key": get_random_string(32)}
        context = {
            **self.admin_site.each_context(request),
            "title": f"Refund {invoice}",
            "opts": self.opts,
            "original": invoice,
            "form": form,
            "preview": preview,
            "is_confirmation": is_ready and form.is_valid(),
            "refunds": list_refunds(invoice=invoice),
            "page": page,
        }
        return render(request, "admin/refund_invoice.html", context)


def _preview(form: RefundForm, request: HttpRequest, invoice: Invoice) -> RefundPreview:
    """Return what a refund would take; says at the amount why it is refused."""
    amount = form.cleaned_data.get("amount") if form.is_bound else _typed(request)
    preview = preview_refund(invoice=invoice, amount=amount, at=timezone.now())
    if preview.refusal and form.is_bound and not form.errors:
        form.add_error("amount", preview.refusal)
    return preview


def _typed(request: HttpRequest) -> Decimal | None:
    """Return the amount that is being typed, if it is one yet."""
    return find_amount(request.GET.get("amount", ""))


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
    except RefundKeyReusedError as error:
        form.add_error(None, f"{error} Begin again for more.")
        return False
    except NotRefundableError as error:
        form.add_error("amount", str(error))
        return False
    failpoint("refund-requested")
    if refund.status == RefundStatus.REQUESTED:
        somebody = f"somebody else than {refund.requested_by}"
        messages.warning(request, f"{refund} waits for {somebody} to approve it.")
    else:
        send(request, refund)
    return True


def send(request: HttpRequest, refund: Refund) -> None:
    """Have a refund's money sent, and say so."""
    tasks.send_refund.delay_on_commit(refund_id=refund.pk)
    messages.success(request, f"The credits are taken, and {refund} is on its way.")
