"""Files of rows for spreadsheets, in which no text is a formula."""

import csv
from collections.abc import Iterable, Sequence

from django.http import StreamingHttpResponse

# What a spreadsheet takes for the beginning of a formula.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")

Row = Sequence[object]


class _Line:
    """A file of one line, which is handed over as it is written."""

    def write(self, text: str) -> str:
        return text


def as_sheet(name: str, rows: Iterable[Row]) -> StreamingHttpResponse:
    """Return rows as a file; text that others chose is never run as a formula."""
    writer = csv.writer(_Line())
    lines = (writer.writerow([_plain(cell) for cell in row]) for row in rows)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _plain(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_RISKY):
        return f"'{cell}"
    return cell
