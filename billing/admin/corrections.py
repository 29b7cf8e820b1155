"""Taking usage back by hand: a form with a preview, and what was taken back."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from billing import exact_json
from billing.models import Correction, QuarantinedEvent, UsageEvent
from billing.posted_json import BadPropertiesError, decode_properties
from billing.queries.corrections import find_correction
from billing.services.correctable import NotCorrectableError
from billing.services.corrections import (
    Corrected,
    KeyTakenError,
    Note,
    Replacement,
    UnpriceableError,
    amend_event,
    void_event,
)
from ledger.admin import AMOUNT, HistoryAdmin, ReadOnlyAdmin

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from collections.abc import Sequence

    from django.contrib.admin import action
else:
    from unfold.decorators import action

_REFUSALS = (NotCorrectableError, KeyTakenError, UnpriceableError)

Row = TypeVar("Row", UsageEvent, QuarantinedEvent)


class VoidForm(forms.Form):
    title = "Void"

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="The customer sees it.",
    )

    def correct(self, row: UsageEvent | QuarantinedEvent, note: Note) -> Corrected:
        return void_event(customer=row.customer, key=row.idempotency_key, note=note)


class AmendForm(VoidForm):
    title = "Amend"

    key = forms.CharField(
        max_length=255,
        label="Idempotency key",
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the event that stands instead; one that was never used.",
    )
    properties = forms.CharField(
        widget=UnfoldAdminTextareaWidget,
        help_text="What the call really was, as JSON. It keeps its time and its name.",
    )

    field_order = ("key", "properties", "reason")

    def clean_properties(self) -> dict[str, Any]:
        try:
            return decode_properties(self.cleaned_data["properties"])
        except BadPropertiesError as error:
            raise forms.ValidationError(str(error)) from error

    def correct(self, row: UsageEvent | QuarantinedEvent, note: Note) -> Corrected:
        replacement = Replacement(
            key=self.cleaned_data["key"], properties=self.cleaned_data["properties"]
        )
        return amend_event(
            customer=row.customer,
            key=row.idempotency_key,
            replacement=replacement,
            note=note,
        )


class CorrectingAdmin(ReadOnlyAdmin[Row], Generic[Row]):
    """Lets operators void and amend events, after they saw what that takes back."""

    actions_detail = ("void", "amend")

    def preview(self, row: Row) -> object:
        """Return what would be taken back; nothing for what was never priced."""
        return None

    def has_correct_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("billing.add_correction")

    def get_actions_detail(
        self, request: HttpRequest, object_id: str
    ) -> "Sequence[object]":
        if self._find_correction(request, object_id):
            return ()
        return super().get_actions_detail(request, object_id)  # type: ignore[misc, no-any-return]

    @action(description="Void", permissions=["correct"])
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_row(request, object_id)
        return self._correct(request, row, VoidForm(request.POST or None))

    @action(description="Amend", permissions=["correct"])
    def amend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_row(request, object_id)
        text = msgspec.json.format(exact_json.encode(row.properties)).decode()
        form = AmendForm(request.POST or None, initial={"properties": text})
        return self._correct(request, row, form)

    def _find_correction(
        self, request: HttpRequest, object_id: str
    ) -> Correction | None:
        row = self.find_row(request, object_id)
        if row is None:
            return None
        return find_correction(customer_id=row.customer_id, event_id=row.pk)

    def _correct(self, request: HttpRequest, row: Row, form: VoidForm) -> HttpResponse:
        page = reverse(f"admin:billing_{self.opts.model_name}_change", args=[row.pk])
        if form.is_valid() and _apply(form, request, row):
            return redirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{form.title} {row}",
            "opts": self.opts,
            "row": row,
            "form": form,
            "preview": self.preview(row),
            "page": page,
        }
        # The months are the customer's, whose clock says when they begin.
        with timezone.override(row.customer.zone):
            return render(request, "admin/correct_event.html", context)


def _apply(
    form: VoidForm, request: HttpRequest, row: UsageEvent | QuarantinedEvent
) -> bool:
    """Correct an event as its form says; returns whether it was not refused."""
    note = Note(
        reason=form.cleaned_data["reason"],
        actor=request.user.get_username(),
        at=timezone.now(),
    )
    try:
        corrected = form.correct(row, note)
    except _REFUSALS as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"{corrected.correction} is recorded.")
    return True


@admin.register(Correction)
class CorrectionAdmin(HistoryAdmin[Correction]):
    list_display = (
        "__str__",
        "customer",
        AMOUNT,
        "reason",
        "actor",
        "recorded_at",
    )
    list_filter = ("kind",)
    list_select_related = ("customer",)
    search_fields = ("=event_id", "=replacement_id", "=customer__external_id")
