"""A lot's story on its page: what became of its credits, and its entries."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.dateformat import format as write

from ledger.admin.base import DescribedAdmin, ReadOnlyAdmin
from ledger.admin.tables import Cell, Table, exact_cell, headings
from ledger.lot_sums import LotSums
from ledger.models import CreditLot
from ledger.stories import LotStory, StoryEntry, get_story

_PLACE = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class StoryAdmin(DescribedAdmin[CreditLot], ReadOnlyAdmin[CreditLot]):
    """Shows, beneath a lot, what became of it to those who may see entries."""

    change_form_after_template = "admin/ledger/lot_story.html"

    def get_fields(
        self, request: HttpRequest, obj: CreditLot | None = None
    ) -> list[Any]:
        return [*super().get_fields(request, obj), "recorded_at", "expired_at"]

    def describe(self, request: HttpRequest, row: CreditLot) -> dict[str, Any]:
        if not request.user.has_perm("ledger.view_entry"):
            return {}
        return _describe(row, _read_before(request))


def _read_before(request: HttpRequest) -> int | None:
    try:
        before: int | None = _PLACE.clean(request.GET.get("before", ""))
    except forms.ValidationError as error:
        raise Http404 from error
    return before


def _describe(lot: CreditLot, before: int | None) -> dict[str, Any]:
    story = get_story(wallet_id=lot.wallet_id, lot_id=lot.pk, before=before)
    currency = lot.wallet.currency
    return {
        "tables": [_sum_table(story.sums, currency), _entry_table(story, currency)],
        "is_later_page": before is not None,
        "next_before": story.next_before,
    }


def _sum_table(sums: LotSums, currency: str) -> Table:
    amounts = {
        "Granted": sums.granted,
        "Used": sums.used,
        "Given back by corrections": sums.given_back,
        "Settled overdraft": sums.settlements,
        "Expired": sums.expired,
        "Refunded": sums.refunded,
    }
    notes = {"Used": _calls(sums)}
    rows = [
        [Cell(name, note=notes.get(name, "")), exact_cell(amount, currency)]
        for name, amount in amounts.items()
        if amount
    ]
    total = [Cell("Remaining"), exact_cell(sums.left, currency)]
    heads = headings("What", "Credits")
    return Table("What became of the credits", "", heads, rows, total)


def _calls(sums: LotSums) -> str:
    if not sums.first_used_at or not sums.last_used_at:
        return ""
    first, last = (
        write(at, "j M Y, H:i") for at in (sums.first_used_at, sums.last_used_at)
    )
    return f"{sums.calls:,} call{pluralize(sums.calls)}, {first} to {last} UTC"


def _entry_table(story: LotStory, currency: str) -> Table:
    names = ("Entry", "Recorded", "Cause", "Credits", "Remaining")
    rows = [_entry_row(each, currency) for each in story.entries]
    note = "Newest first, with what the lot held after each."
    return Table("Entries", note, headings(*names, texts=3), rows)


def _entry_row(each: StoryEntry, currency: str) -> list[Cell]:
    entry = each.entry
    url = reverse("admin:ledger_entry_change", args=[entry.pk])
    return [
        Cell(entry.get_kind_display().capitalize(), note=entry.book, url=url),
        Cell(f"{write(entry.recorded_at, 'j M Y, H:i')} UTC"),
        Cell(entry.cause, note=entry.actor),
        exact_cell(entry.amount, currency),
        exact_cell(each.remaining, currency),
    ]
