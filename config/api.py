"""How the API answers errors (RFC 9457) and long lists (cursors)."""

from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.defaults import page_not_found
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework import pagination, status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from billing.api.problems import Refusal


class ServiceUnavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "service_unavailable"
    default_detail = "A dependency is down. Send the same again: nothing counts twice."
    wait = 1


class ProblemHandler(ExceptionHandler):
    """Answers a lost database with 503, and everything as problem+json."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, OperationalError | InterfaceError):
            return ServiceUnavailable()
        return super().convert_known_exceptions(exc)

    def get_response(self, exc: APIException, data: dict[str, Any]) -> Response:
        response = super().get_response(exc, data)
        response.content_type = "application/problem+json"
        if isinstance(exc, Refusal):
            for name, value in exc.headers.items():
                response[name] = value
        return response

    def report_exception(self, exc: APIException, response: Response) -> None:
        # A refusal is an answer, even by 503: it is no failure to be traced.
        if not isinstance(exc, Refusal):
            super().report_exception(exc, response)


class ProblemFormatter(ExceptionFormatter):
    """Writes type, title, status, detail, and each error with its JSON pointer."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        request = self.context.get("request")
        first = error_response.errors[0]
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(self.exc.status_code).phrase,
            "status": self.exc.status_code,
            "detail": first.detail,
            "code": first.code,
            "instance": request.path if request else "",
            "request_id": request.META.get("REQUEST_ID", "") if request else "",
        }
        if isinstance(self.exc, Refusal):
            problem |= self.exc.members
        fields = [error for error in error_response.errors if error.attr]
        if fields:
            problem["errors"] = [
                {
                    "code": error.code,
                    "detail": error.detail,
                    "pointer": _pointer(error.attr or ""),
                }
                for error in fields
            ]
        return problem


def _pointer(attribute: str) -> str:
    names = attribute.split(".")
    if names[-1] == api_settings.NON_FIELD_ERRORS_KEY:
        # It is about the whole that this is said beneath.
        names.pop()
    return "/".join(["#", *names])


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer an unknown address of the API as a problem, of a page as a page."""
    if not request.path.startswith("/v1/"):
        return page_not_found(request, exception)
    problem = {
        "type": "about:blank",
        "title": HTTPStatus.NOT_FOUND.phrase,
        "status": HTTPStatus.NOT_FOUND,
        "detail": "There is nothing at this address.",
        "code": "not_found",
        "instance": request.path,
        "request_id": request.META.get("REQUEST_ID", ""),
    }
    return JsonResponse(
        problem, status=HTTPStatus.NOT_FOUND, content_type="application/problem+json"
    )


class CursorPagination(pagination.CursorPagination):
    """Newest first, by a cursor that means nothing to its bearer."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except ValueError as error:
            raise NotFound(self.invalid_cursor_message) from error
