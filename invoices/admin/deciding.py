"""A second person's decision on refunds that wait, and what became of each refund."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from billing.templatetags.money import credits
from invoices.admin.refunding import send
from invoices.admin.sending_again import SendingAgainAdmin
from invoices.models import Refund, RefundStatus
from invoices.queries.refund_plans import RefundPreview, preview_refund
from invoices.queries.refunds import NotRefundableError, list_entries
from invoices.services.refunds import (
    NotWaitingError,
    SamePersonError,
    approve_refund,
    decline_refund,
)
from ledger.admin import exactly, in_currency, link_to
from ledger.money import format_exact

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from collections.abc import Sequence

    from django.contrib.admin import action
else:
    from unfold.decorators import action

_APPROVE = "Approve"
_REFUSALS = (NotRefundableError, NotWaitingError, SamePersonError)


class DecidingAdmin(SendingAgainAdmin):
    """Lets a second person approve a refund that waits, or decline it."""

    actions_detail = ("approve", "decline", "send_again")

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("invoices.change_refund")

    def get_actions_detail(
        self, request: HttpRequest, object_id: str
    ) -> "Sequence[object]":
        offered: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        row = self.find_row(request, object_id)
        if row is None or row.status != RefundStatus.REQUESTED:
            return [each for each in offered if each.method == self.send_again]
        if row.requested_by != request.user.get_username():
            return offered
        # Somebody else has to approve it.
        return [each for each in offered if each.description != _APPROVE]

    @action(description=_APPROVE, permissions=["decide"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_approval=True)

    @action(description="Decline", permissions=["decide"])
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_approval=False)

    def _decide(
        self, request: HttpRequest, object_id: str, *, is_approval: bool
    ) -> HttpResponse:
        refund = self.get_row(request, object_id)
        page = reverse("admin:invoices_refund_change", args=[refund.pk])
        if refund.status != RefundStatus.REQUESTED:
            state = refund.get_status_display().lower()
            messages.warning(request, f"{refund} does not wait: it is {state}.")
            return redirect(page)
        refusal = ""
        if request.method == "POST":
            refusal = _decide(request, refund, is_approval=is_approval)
            if not refusal:
                return redirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{'Approve' if is_approval else 'Decline'} {refund}",
            "opts": self.opts,
            "original": refund,
            "refund": refund,
            "preview": _preview(refund),
            "refusal": refusal,
            "is_approval": is_approval,
            "page": page,
        }
        return render(request, "admin/decide_refund.html", context)


def _preview(refund: Refund) -> RefundPreview:
    """Return what approving a refund would take now."""
    return preview_refund(
        invoice=refund.payment.invoice,
        amount=refund.amount,
        at=timezone.now(),
        is_approval=True,
    )


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
        send(request, decided)
    else:
        messages.info(request, f"{decided} is declined.")
    return ""


_BEGUN = (
    "invoice",
    "customer",
    "kind",
    "status",
    in_currency("amount"),
    "reason",
    "requested_by",
    "requested_at",
    "may_go_back_alone",
)
_WAITING = ("may_be_approved_by", "planned")
_DECIDED = (
    "approved_by",
    "decided_at",
    exactly("credits"),
    exactly("bonus_credits"),
    exactly("overdrawn_credits"),
    "entries",
    "withdrawn_at",
    "sent_at",
    "ended_at",
    "failure",
)
_NAMES = ("payment", "key", "reference", "provider_reference")


@admin.register(Refund)
class RefundAdmin(DecidingAdmin):
    list_display = (
        "__str__",
        "invoice",
        "customer",
        in_currency("amount"),
        "kind",
        "status",
        "requested_by",
        "approved_by",
        "requested_at",
    )
    list_filter = ("status", "kind")
    list_select_related = ("payment__invoice__customer",)
    search_fields = (
        "=reference",
        "=payment__invoice__number",
        "=payment__invoice__customer__external_id",
    )
    ordering = ("-pk",)
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Refund | None = None) -> list[Any]:
        is_waiting = obj is not None and obj.status == RefundStatus.REQUESTED
        return [*_BEGUN, *(_WAITING if is_waiting else _DECIDED), *_NAMES]

    @admin.display(description="invoice", ordering="payment__invoice")
    def invoice(self, refund: Refund) -> SafeString:
        return link_to(refund.payment.invoice)

    @admin.display(description="customer", ordering="payment__invoice__customer")
    def customer(self, refund: Refund) -> SafeString:
        return link_to(refund.payment.invoice.customer)

    @admin.display(description="may go back alone")
    def may_go_back_alone(self, refund: Refund) -> str:
        allowed = format_exact(refund.approval_above, refund.currency)
        return f"{allowed}, without a second person"

    @admin.display(description="may be approved by")
    def may_be_approved_by(self, refund: Refund) -> str:
        return f"somebody else than {refund.requested_by}"

    @admin.display(description="credits planned")
    def planned(self, refund: Refund) -> SafeString | str:
        preview = _preview(refund)
        if preview.plan is None:
            return preview.problem or preview.refusal
        rows = ((credits(each.amount), each.lot) for each in preview.plan.entries)
        return format_html_join("", "<p>{} of {}, once it is approved</p>", rows)

    @admin.display(description="entries")
    def entries(self, refund: Refund) -> SafeString | str:
        rows = ((each, each.lot or "overdraft") for each in list_entries(refund=refund))
        return format_html_join("", "<p>{}: {}</p>", rows) or "-"
