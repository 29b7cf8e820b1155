"""What the admin says of the installation it runs in."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse_lazy


def environment_label(_request: HttpRequest) -> list[str]:
    """Return the environment's name and the color of its label."""
    color = "danger" if settings.ENVIRONMENT == "production" else "info"
    return [settings.ENVIRONMENT.capitalize(), color]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar: the reports, which belong to no row, then every model."""
    books = {
        "title": "Books",
        "link": reverse_lazy("admin:ledger_entry_books"),
        "permission": _may_read_books,
    }
    pressure = {
        "title": "Limit pressure",
        "link": reverse_lazy("admin:billing_refusalrollup_pressure"),
        "permission": _may_read_refusals,
    }
    simulation = {
        "title": "Limit simulation",
        "link": reverse_lazy("admin:billing_refusalrollup_simulation"),
        "permission": _may_read_refusals,
    }
    models = [
        {"title": app["name"], "items": [_link(model) for model in app["models"]]}
        for app in admin.site.get_app_list(request)
    ]
    return [{"title": "Reports", "items": [books, pressure, simulation]}, *models]


def _may_read_books(request: HttpRequest) -> bool:
    return request.user.has_perm("ledger.view_entry")


def _may_read_refusals(request: HttpRequest) -> bool:
    return request.user.has_perm("billing.view_refusalrollup")


def _link(model: dict[str, Any]) -> dict[str, Any]:
    return {"title": model["name"], "link": model["admin_url"] or model["add_url"]}
