"""`POST /v1/admissions`, which says whether a call may run."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.admission_schema import (
    AdmissionInput,
    AdmissionOutput,
    PaymentRequiredOutput,
)
from billing.api.ingest.bodies import read_body
from billing.api.ingest.events import RawJSONParser
from billing.api.permissions import HasScope, get_customer
from billing.api.problems import PaymentRequired, UnpriceableError, Unprocessable
from billing.api.warnings import warning_headers
from billing.models import Customer
from billing.pricing.dimensions import is_dimension
from billing.pricing.quantities import Reason, UnratableError, read_quantity
from billing.queries.admission import Verdict, decide_admission
from billing.queries.allowances import LimitSource
from billing.services.customers import EVENTS_WRITE
from ledger.money import as_text

_SAID_BESIDE = ("model", "input_tokens", "output_tokens", "max_output_tokens")
# Where to look for what has no price; of other reasons, no member is at fault.
_AT_FAULT = {
    Reason.UNKNOWN_MODEL: "model",
    Reason.CONTEXT_ABOVE_BANDS: "input_tokens",
    Reason.BAD_QUANTITY: "properties",
    Reason.PARTS_EXCEED_TOTAL: "properties",
    Reason.UNKNOWN_USAGE: "properties",
}
# Credits are bought; of a credit limit, more is left once an invoice is paid.
_PAGES = {
    LimitSource.ACCOUNT_CREDITS: "portal:credits",
    LimitSource.CREDIT_LIMIT: "portal:invoices",
}
_Key = Annotated[str, Meta(min_length=1, max_length=255)]
_CustomerId = Annotated[str, Meta(min_length=1, max_length=64)]
_Model = Annotated[str, Meta(min_length=1)]


class AdmissionBody(msgspec.Struct, forbid_unknown_fields=True):
    request_id: _Key
    model: _Model
    # Read as an event's quantities are: a number, or the same as text.
    input_tokens: Any
    max_output_tokens: Any
    customer_id: _CustomerId | None = None
    properties: dict[str, Any] = msgspec.field(default_factory=dict)


class AdmissionsView(APIView):
    """Say whether a call may run, before it does; nothing is recorded or held."""

    permission_classes = [HasScope]
    parser_classes = [RawJSONParser]
    required_scope = EVENTS_WRITE

    @extend_schema(
        operation_id="admit",
        request=AdmissionInput,
        responses={
            200: AdmissionOutput,
            (402, "application/problem+json"): PaymentRequiredOutput,
        },
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, AdmissionBody)
        _check_quantities(body)
        customer = get_customer(request, body.customer_id)
        verdict = _decide(customer, body)
        if verdict.limit_source:
            raise _refusal(verdict, verdict.limit_source)
        headers = warning_headers([verdict.warning])
        return Response(_as_json(body, verdict), headers=headers)


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


def _decide(customer: Customer, body: AdmissionBody) -> Verdict:
    tokens = {
        "input_tokens": body.input_tokens,
        "output_tokens": body.max_output_tokens,
    }
    try:
        return decide_admission(
            customer=customer,
            model=body.model,
            properties=body.properties | tokens,
            at=timezone.now(),
        )
    except UnratableError as error:
        raise _unpriced(error) from error


def _unpriced(error: UnratableError) -> APIException:
    member = _AT_FAULT.get(error.reason)
    if member:
        return UnpriceableError({member: error.detail}, error.reason)
    return Unprocessable(error.detail, error.reason)


def _refusal(verdict: Verdict, source: LimitSource) -> PaymentRequired:
    estimate, spendable = as_text(verdict.estimate), as_text(verdict.spendable)
    return PaymentRequired(
        f"The call may cost {estimate} {verdict.currency}; {spendable} may be spent.",
        limit_source=str(source),
        estimate=estimate,
        currency=verdict.currency,
        balance=as_text(verdict.available),
        spendable=spendable,
        topup_url=settings.BASE_URL.rstrip("/") + reverse(_PAGES[source]),
    )


def _as_json(body: AdmissionBody, verdict: Verdict) -> dict[str, object]:
    return {
        "admitted": True,
        "request_id": body.request_id,
        "estimate": as_text(verdict.estimate),
        "currency": verdict.currency,
        "balance": as_text(verdict.available),
        "spendable": as_text(verdict.spendable),
        "warning": verdict.warning,
    }
