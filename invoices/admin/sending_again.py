"""Giving back by hand what was paid without being owed, after its refund failed."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from invoices import tasks
from invoices.models import Refund
from invoices.queries.excess import get_kept_excess, is_failed_excess
from invoices.services.excess import NotSentAgainError, send_excess_again
from ledger.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from django.contrib.admin import action
else:
    from unfold.decorators import action


class SendingAgainAdmin(ReadOnlyAdmin[Refund]):
    """Lets an operator send excess money back again, once for each failure."""

    def has_send_again_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        if object_id is None or not request.user.has_perm("invoices.change_refund"):
            return False
        row = self.find_row(request, object_id)
        return row is not None and is_failed_excess(row.pk)

    @action(description="Send again", permissions=["send_again"])
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        refund = self.get_row(request, object_id)
        refusal = ""
        if request.method == "POST":
            try:
                return redirect(_page_of(_send_again(request, refund)))
            except NotSentAgainError as error:
                refusal = str(error)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Send {refund} again",
            "opts": self.opts,
            "refund": refund,
            "kept": get_kept_excess(refund.payment),
            "refusal": refusal,
            "page": _page_of(refund),
        }
        return render(request, "admin/send_refund_again.html", context)


def _send_again(request: HttpRequest, refund: Refund) -> Refund:
    by = request.user.get_username()
    again = send_excess_again(refund=refund, by=by, at=timezone.now())
    tasks.send_refund.delay_on_commit(refund_id=again.pk)
    messages.success(request, f"{refund} is sent again, as {again}.")
    return again


def _page_of(refund: Refund) -> str:
    return reverse("admin:invoices_refund_change", args=[refund.pk])
