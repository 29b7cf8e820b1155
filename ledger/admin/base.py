"""What the admins of all apps are made of: exact amounts, and rows that are kept."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import DecimalField, Field, Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from ledger.forms import AmountField
from ledger.models import ExactDecimalField
from ledger.money import as_text, format_exact

if TYPE_CHECKING:
    # Unfold carries no types; its classes are Django's to a caller.
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin

Row = TypeVar("Row", bound=Model)


def exactly(name: str) -> Callable[[Model], str]:
    """Return a column of an amount or quantity, with every digit and no more."""

    @admin.display(description=name.replace("_", " "), ordering=name)
    def column(row: Model) -> str:
        amount = getattr(row, name)
        return "" if amount is None else as_text(amount)

    column.__name__ = name
    return column


def in_currency(name: str, of: str = "currency") -> Callable[[Model], str]:
    """Return a column of money with every digit, in the currency that `of` leads to."""
    currency = attrgetter(of)

    @admin.display(description=name.replace("_", " "), ordering=name)
    def column(row: Model) -> str:
        return format_exact(getattr(row, name), currency(row))

    column.__name__ = name
    return column


def link_to(row: Model) -> SafeString:
    """Return a link to a row's page, with what the row is called."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    url = reverse(name, args=[row.pk])
    # As Unfold writes the links of foreign keys.
    look = "text-primary-600 dark:text-primary-500"
    return format_html('<a class="{}" href="{}">{}</a>', look, url, row)


# For admins in which amounts may be edited.
EDIT_EXACTLY: Mapping[type[Field[Any, Any]], Mapping[str, Any]] = {
    ExactDecimalField: {
        "form_class": AmountField,
        "widget": UnfoldAdminDecimalFieldWidget,
    }
}


class DescribedAdmin(ModelAdmin[Row]):
    """For what a page says more of than the fields of its row."""

    @abstractmethod
    def describe(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """Return what the page's templates show, to somebody who may see the row."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = dict(extra_context or {})
        row = self.get_object(request, unquote(object_id))
        if row is not None and self.has_view_permission(request, row):
            shown |= self.describe(request, row)
        return super().change_view(request, object_id, form_url, shown)


class KeptAdmin(ModelAdmin[Row]):
    """For what history refers to: it may be edited, never deleted."""

    def find_row(self, request: HttpRequest, object_id: str) -> Row | None:
        row: Row | None = self.get_object(request, unquote(str(object_id)))
        return row

    def get_row(self, request: HttpRequest, object_id: str) -> Row:
        row = self.find_row(request, object_id)
        if row is None:
            raise Http404
        return row

    def has_delete_permission(
        self, request: HttpRequest, obj: Row | None = None
    ) -> bool:
        return False


class ReadOnlyAdmin(KeptAdmin[Row]):
    """For what only services or the database may change."""

    def get_fields(self, request: HttpRequest, obj: Row | None = None) -> list[Any]:
        return [self._shown(name) for name in super().get_fields(request, obj)]

    def _shown(self, name: Any) -> Any:
        amounts = {
            field.name
            for field in self.model._meta.get_fields()
            if isinstance(field, DecimalField)
        }
        return exactly(name) if name in amounts else name

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Row | None = None
    ) -> bool:
        return False


class HistoryAdmin(ReadOnlyAdmin[Row]):
    """For tables that grow with every call: never counted, newest first."""

    paginator = InfinitePaginator
    show_full_result_count = False
    ordering = ("-pk",)
    list_per_page = 50


AMOUNT = exactly("amount")
