"""The parts of a URL that are not plain text."""

from datetime import date

from django.urls import register_converter

from billing import converters  # noqa: F401 - registers keys.


class DayConverter:
    """A calendar day, as 2026-11-23."""

    regex = "20[0-9]{2}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date | str) -> str:
        # Templates write a moment's day in its own zone, which only they know.
        return str(value)


register_converter(DayConverter, "day")
