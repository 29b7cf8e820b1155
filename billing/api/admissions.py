"""`/v1/admissions`: whether a call may run, and what it holds while it does."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Meta
from rest_framework import status
from rest_framework.exceptions import (
    AuthenticationFailed,
    ErrorDetail,
    NotFound,
    PermissionDenied,
    ValidationError,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.admission_schema import (
    AdmissionInput,
    AdmissionOutput,
    ExtensionOutput,
    PaymentRequiredOutput,
    TooManyRequestsOutput,
)
from billing.api.admitting import ask, require_caller
from billing.api.authentication import find_key
from billing.api.ingest.bodies import read_body
from billing.api.ingest.events import RawJSONParser
from billing.api.permissions import HasScope, key_of, may_call, name_customer
from billing.api.problems import Unprocessable
from billing.pricing.dimensions import is_dimension
from billing.pricing.quantities import UnratableError, read_quantity
from billing.queries.admission import Call
from billing.queries.callers import Caller
from billing.services.admission import extend_calls, release_call
from billing.services.customers import CALLS_MAKE, EVENTS_WRITE

_SAID_BESIDE = ("model", "input_tokens", "output_tokens", "max_output_tokens")
_Key = Annotated[str, Meta(min_length=1, max_length=255)]
_CustomerId = Annotated[str, Meta(min_length=1, max_length=64)]
_Model = Annotated[str, Meta(min_length=1, max_length=200)]
_Secret = Annotated[str, Meta(min_length=1, max_length=255)]
_WHOSE = OpenApiParameter(
    "customer_id", str, description="Whose call it is; a customer's key need not say."
)


class AdmissionBody(msgspec.Struct, forbid_unknown_fields=True):
    request_id: _Key
    model: _Model
    # Read as an event's quantities are: a number, or the same as text.
    input_tokens: Any
    max_output_tokens: Any
    customer_id: _CustomerId | None = None
    api_key: _Secret | None = None
    properties: dict[str, Any] = msgspec.field(default_factory=dict)


class AdmissionsView(APIView):
    """Say whether a call may run, and hold what it may cost until its event comes."""

    permission_classes = [HasScope]
    parser_classes = [RawJSONParser]
    required_scope = EVENTS_WRITE

    @extend_schema(
        operation_id="admit",
        request=AdmissionInput,
        responses={
            200: AdmissionOutput,
            (402, "application/problem+json"): PaymentRequiredOutput,
            (429, "application/problem+json"): TooManyRequestsOutput,
        },
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, AdmissionBody)
        _check_quantities(body)
        caller, api_key_id = _find_caller(request, body)
        tokens = {
            "input_tokens": body.input_tokens,
            "output_tokens": body.max_output_tokens,
        }
        call = Call(
            request_id=body.request_id,
            model=body.model,
            properties=body.properties | tokens,
            api_key_id=api_key_id,
        )
        return ask(caller, call)


class AdmissionView(APIView):
    """Give back what a call holds that will not run."""

    permission_classes = [HasScope]
    required_scope = EVENTS_WRITE

    @extend_schema(
        operation_id="release_admission", parameters=[_WHOSE], responses={204: None}
    )
    def delete(self, request: Request, request_id: str) -> Response:
        release_call(caller=_named_caller(request), request_id=request_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExtensionView(APIView):
    """Let a call that still runs hold its credits from now on again."""

    permission_classes = [HasScope]
    required_scope = EVENTS_WRITE

    @extend_schema(
        operation_id="extend_admission",
        parameters=[_WHOSE],
        request=None,
        responses={200: ExtensionOutput},
    )
    def post(self, request: Request, request_id: str) -> Response:
        ends = extend_calls(
            caller=_named_caller(request), request_ids=[request_id], at=timezone.now()
        )
        if ends is None:
            raise NotFound
        return Response({"request_id": request_id, "expires_at": ends})


def _find_caller(request: Request, body: AdmissionBody) -> tuple[Caller, int | None]:
    """Return whose call it is, and by which key of its own, if that is known."""
    if body.api_key is None:
        asking = key_of(request)
        own = None if asking.is_service_key else asking.pk
        return _caller_of(request, body.customer_id), own
    key = find_key(body.api_key)
    if key is None or key.customer is None:
        message = "The call's API key is unknown, revoked or expired."
        raise AuthenticationFailed(message, "unknown_api_key")
    if not may_call(key):
        message = f"The call's API key lacks the scope {CALLS_MAKE}."
        raise PermissionDenied(message)
    named = body.customer_id or key.customer.external_id
    if named != key.customer.external_id:
        message = "The API key is another customer's."
        raise Unprocessable({"customer_id": [ErrorDetail(message, "invalid")]})
    return _caller_of(request, named), key.pk


def _named_caller(request: Request) -> Caller:
    return _caller_of(request, request.query_params.get("customer_id"))


def _caller_of(request: Request, external_id: str | None) -> Caller:
    return require_caller(name_customer(request, external_id))


def _check_quantities(body: AdmissionBody) -> None:
    wrong = {name: [ErrorDetail(text, "invalid")] for name, text in _find_wrong(body)}
    if wrong:
        raise ValidationError(wrong)


def _find_wrong(body: AdmissionBody) -> Iterator[tuple[str, str]]:
    """Yield each member that is no quantity or is said twice, and the problem."""
    quantities = {
        "input_tokens": body.input_tokens,
        "max_output_tokens": body.max_output_tokens,
    }
    for name, value in body.properties.items():
        if name in _SAID_BESIDE:
            yield f"properties.{name}", "Is said by a member beside the properties."
        elif is_dimension(name):
            quantities[f"properties.{name}"] = value
    for path, value in quantities.items():
        try:
            read_quantity(path.removeprefix("properties."), value)
        except UnratableError as error:
            yield path, error.detail
