"""The books by month, as a page above the list of entries and as a file."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone

from ledger.admin.base import HistoryAdmin
from ledger.admin.tables import Cell, Table, amount_cell, headings, movement_cell
from ledger.books import BookMonth, Deferred, Promotion, Receivable, list_months
from ledger.models import Entry
from ledger.money import WIDE, as_text

if TYPE_CHECKING:
    # Unfold carries no types; its decorator is Django's to a caller.
    from django.contrib.admin import action
else:
    from unfold.decorators import action

Roll = Deferred | Promotion | Receivable

_ROLLS = {"deferred": Deferred, "promotion": Promotion, "receivable": Receivable}
_TITLES = {
    "deferred": "Deferred revenue",
    "promotion": "Promotional credits",
    "receivable": "Receivable",
}
_NOTES = {
    "deferred": "Purchased credits not yet used, at the price paid for them.",
    "promotion": "Credits given for free; the closing is outstanding.",
    "receivable": "Overdrafts: usage that no credits have paid yet.",
}
_REVENUE = ("From purchased credits", "As overdraft", "Recognized", "Forgiven")
_REVENUE_NOTE = (
    "Forgiven is what of overdrafts was settled by free or discounted credits."
)


class BooksAdmin(HistoryAdmin[Entry]):
    """Adds the books by month to the list of entries."""

    actions_list = ("books",)

    @action(description="Books", permissions=["view"])
    def books(self, request: HttpRequest) -> HttpResponseBase:
        now = timezone.now()
        is_whole = "all" in request.GET
        months = list_months(since=None if is_whole else _a_year_before(now))
        if "csv" in request.GET:
            return _as_file(months, now)
        return self._show(request, months, now, is_whole=is_whole)

    def _show(
        self,
        request: HttpRequest,
        months: list[BookMonth],
        now: datetime,
        *,
        is_whole: bool,
    ) -> HttpResponse:
        by_currency = groupby(months, attrgetter("currency"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Books",
            "opts": self.opts,
            "is_whole": is_whole,
            "tables": [
                table
                for currency, each in by_currency
                for table in list_tables(list(each), currency, now)
            ],
        }
        return render(request, "admin/ledger/books.html", context)


def _a_year_before(now: datetime) -> datetime:
    """Return the first instant of the month eleven before, so that twelve show."""
    at = now.astimezone(UTC)
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = first.year * 12 + first.month - 1 - 11
    return first.replace(year=months // 12, month=months % 12 + 1)


def list_tables(months: list[BookMonth], currency: str, now: datetime) -> list[Table]:
    """Return the tables of one currency, what was recognized first."""
    return [
        _revenue_table(months, currency, now),
        *(_roll_table(name, months, currency, now) for name in _ROLLS),
    ]


def _revenue_table(months: list[BookMonth], currency: str, now: datetime) -> Table:
    rows = [
        [
            _month_cell(each, now),
            movement_cell(WIDE.minus(each.deferred.recognized), currency),
            movement_cell(each.receivable.used, currency),
            amount_cell(each.revenue, currency),
            movement_cell(each.forgiven, currency),
        ]
        for each in months
    ]
    caption = f"Recognized revenue in {currency}"
    return Table(caption, _REVENUE_NOTE, headings("Month", *_REVENUE), rows)


def _roll_table(
    name: str, months: list[BookMonth], currency: str, now: datetime
) -> Table:
    return Table(
        f"{_TITLES[name]} in {currency}",
        _NOTES[name],
        headings("Month", *(_words(column) for column in _columns(name))),
        [
            [_month_cell(each, now), *_roll_cells(getattr(each, name), currency)]
            for each in months
        ],
    )


def _roll_cells(rolled: Roll, currency: str) -> Iterator[Cell]:
    for field in fields(rolled):
        is_held = field.name in ("opening", "closing")
        write = amount_cell if is_held else movement_cell
        yield write(getattr(rolled, field.name), currency)


def _month_cell(each: BookMonth, now: datetime) -> Cell:
    note = "" if _is_complete(each, now) else "so far"
    return Cell(f"{each.month:%B %Y}", note=note)


def _is_complete(each: BookMonth, now: datetime) -> bool:
    """Tell whether a month is over, so that it never changes any more."""
    return each.month < now.astimezone(UTC).date().replace(day=1)


def _columns(name: str) -> list[str]:
    return [field.name for field in fields(_ROLLS[name])]


def _words(column: str) -> str:
    if column == "settled":
        return "Settled overdraft"
    return column.replace("_", " ").capitalize()


class _Line:
    """A file of one line, which is handed over as it is written."""

    def write(self, text: str) -> str:
        return text


def _as_file(months: Iterable[BookMonth], now: datetime) -> StreamingHttpResponse:
    """Write the books with every digit. No cell is text that somebody else chose."""
    writer = csv.writer(_Line())
    lines = (writer.writerow(row) for row in _file_rows(months, now))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="books.csv"'
    return response


def _file_rows(months: Iterable[BookMonth], now: datetime) -> Iterator[list[str]]:
    columns = [(name, column) for name in _ROLLS for column in _columns(name)]
    names = [f"{_TITLES[name]} {_words(column)}" for name, column in columns]
    amounts = [_as_code(name) for name in (*_REVENUE, *names)]
    yield ["month", "is_complete", "currency", *amounts]
    for each in months:
        revenue = [WIDE.minus(each.deferred.recognized), each.receivable.used]
        revenue += [each.revenue, each.forgiven]
        rolled = [getattr(getattr(each, name), column) for name, column in columns]
        is_complete = "true" if _is_complete(each, now) else "false"
        exact = map(as_text, (*revenue, *rolled))
        yield [f"{each.month:%Y-%m}", is_complete, each.currency, *exact]


def _as_code(words: str) -> str:
    """Write the page's words as a column of a file: "deferred_revenue_sold"."""
    return words.lower().replace(" ", "_")
