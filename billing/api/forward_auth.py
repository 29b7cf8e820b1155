"""`/v1/forward-auth`, which a reverse proxy asks about each request before it goes on.

The proxy hands the customer's own key on. What it says of the call itself is in headers
or in the address that it asks; how each proxy is set up is in docs/gateways.md.
"""

from decimal import Decimal
from typing import NamedTuple

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.admission_schema import PaymentRequiredOutput, TooManyRequestsOutput
from billing.api.admitting import (
    admission_headers,
    require_admission,
    require_caller,
)
from billing.api.authentication import ForwardedKeyAuthentication
from billing.api.permissions import MayCall, get_customer, key_of
from billing.api.problems import Conflict, UnpriceableError, Unprocessable
from billing.models import Customer
from billing.pricing.quantities import Reason, UnratableError, read_quantity
from billing.queries.admission import Call
from billing.queries.calls import is_key_taken

MODEL = "X-Tollgate-Model"
INPUT_TOKENS = "X-Tollgate-Input-Tokens"
MAX_OUTPUT_TOKENS = "X-Tollgate-Max-Output-Tokens"
# Of other reasons why a call has no price, no header is at fault.
_AT_FAULT = {
    Reason.UNKNOWN_MODEL: MODEL,
    Reason.CONTEXT_ABOVE_BANDS: INPUT_TOKENS,
}
_PARAMETERS = [
    OpenApiParameter(MODEL, str, OpenApiParameter.HEADER),
    OpenApiParameter(INPUT_TOKENS, int, OpenApiParameter.HEADER),
    OpenApiParameter(MAX_OUTPUT_TOKENS, int, OpenApiParameter.HEADER),
    OpenApiParameter("X-Request-Id", str, OpenApiParameter.HEADER),
    OpenApiParameter("model", str, description="Counts before the header."),
    OpenApiParameter("input_tokens", int, description="The least that counts."),
    OpenApiParameter("max_output_tokens", int, description="The least that counts."),
]


class ForwardedCall(NamedTuple):
    """What a proxy says of a call: whose it is, and the most that it may use."""

    customer: Customer
    request_id: str
    model: str
    input_tokens: Decimal
    max_output_tokens: Decimal


class ForwardAuthView(APIView):
    """Let a proxied request through, or say why not.

    Answers 200 with what the proxy copies into the request: whose it is, and the
    request id, which is the idempotency key that its event must have.
    """

    authentication_classes = [ForwardedKeyAuthentication]
    permission_classes = [MayCall]
    # What the address says is said by the proxy, not by whoever calls it.
    reads_query = True

    @extend_schema(
        operation_id="forward_auth",
        parameters=_PARAMETERS,
        responses={
            (200, "text/plain"): OpenApiTypes.NONE,
            (402, "application/problem+json"): PaymentRequiredOutput,
            (429, "application/problem+json"): TooManyRequestsOutput,
        },
    )
    def get(self, request: Request) -> Response:
        call = self._read_call(request)
        _check_unused(call)
        try:
            response = ask(request, call)
        except UnratableError as error:
            raise _unpriced(error) from error
        response["X-Tollgate-Customer"] = call.customer.external_id
        response["X-Tollgate-Api-Key"] = key_of(request).prefix
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(exclude=True)
    def _get_otherwise(self, request: Request) -> Response:
        """Answer the same, whatever the proxied request's method is."""
        return self.get(request)

    post = put = patch = delete = options = _get_otherwise

    def _read_call(self, request: Request) -> ForwardedCall:
        said = request.query_params if self.reads_query else {}
        model = said.get("model") or request.headers.get(MODEL)
        if not model:
            raise _wrong(MODEL, "Say which model the call is of.")
        return ForwardedCall(
            customer=get_customer(request, None),
            request_id=request.META["REQUEST_ID"],
            model=model,
            input_tokens=_read_tokens(request, INPUT_TOKENS, said.get("input_tokens")),
            max_output_tokens=_read_tokens(
                request, MAX_OUTPUT_TOKENS, said.get("max_output_tokens")
            ),
        )


class ForwardAuthBeneathView(ForwardAuthView):
    """The same for a proxy that appends the path and query of what it asks about."""

    schema = None
    reads_query = False


def ask(request: Request, call: ForwardedCall) -> Response:
    """Return the answer to an admitted call, with the headers of its limits.

    :raises APIException: if it may not run, as a problem that names the limit.
    :raises UnratableError: if it has no price.
    """
    asked = Call(
        request_id=call.request_id,
        model=call.model,
        properties={
            "input_tokens": call.input_tokens,
            "output_tokens": call.max_output_tokens,
        },
        api_key_id=key_of(request).pk,
    )
    verdict = require_admission(require_caller(call.customer.external_id), asked)
    if verdict.is_repeat:
        raise _used()
    return Response(headers=admission_headers(verdict))


def _read_tokens(request: Request, header: str, floor: str | None) -> Decimal:
    """Return the larger of what the header and the address say, if either does."""
    said = [text for text in (request.headers.get(header), floor) if text is not None]
    if not said:
        raise _wrong(header, "Say the most tokens that the call may have.")
    try:
        return max(read_quantity(header, text) for text in said)
    except UnratableError as error:
        raise _wrong(header, error.detail) from error


def _check_unused(call: ForwardedCall) -> None:
    """Refuse a call whose event could never be charged.

    :raises Conflict: if its request id is the key of an event that was recorded.
    """
    if is_key_taken(customer=call.customer, key=call.request_id):
        raise _used()


def _used() -> Conflict:
    message = "A call with this X-Request-Id was made before."
    return Conflict(message, "request_id_used")


def _unpriced(error: UnratableError) -> APIException:
    header = _AT_FAULT.get(error.reason)
    if header:
        return UnpriceableError({header: error.detail}, error.reason)
    return Unprocessable(error.detail, error.reason)


def _wrong(header: str, detail: str) -> ValidationError:
    return ValidationError({header: [ErrorDetail(detail, "invalid")]})
