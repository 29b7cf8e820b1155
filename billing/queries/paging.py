"""Reading long lists page by page, from a place in them rather than by counting."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

PAGE_SIZE = 50

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, newest first; `next_before` is where the next page begins, if any does."""

    rows: list[Row]
    next_before: int | None


def read_page(
    rows: QuerySet[Row], *, key: str, before: int | None, size: int = PAGE_SIZE
) -> Page[Row]:
    """Return the rows with the highest keys, or the highest before a given one."""
    ordered = rows.order_by(f"-{key}")
    if before is not None:
        ordered = ordered.filter(**{f"{key}__lt": before})
    # One more than is shown tells whether there is another page.
    found = list(ordered[: size + 1])
    shown = found[:size]
    next_before = getattr(shown[-1], key) if len(found) > size else None
    return Page(shown, next_before)
