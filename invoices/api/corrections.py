"""`POST /v1/events/{key}/void` and `/amend`: taking usage back."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.exact import AmountField
from billing.api.ingest.bodies import read_body
from billing.api.ingest.corrections import AmendBody, VoidBody
from billing.api.ingest.events import RawJSONParser
from billing.api.permissions import MayCorrect, actor_of, get_customer
from billing.api.problems import Conflict, Unprocessable
from billing.models import Customer
from billing.services.correctable import (
    NotCorrectableError,
    UnknownEventError,
)
from billing.services.corrections import (
    KeyTakenError,
    Note,
    Replacement,
    UnpriceableError,
    amend_event,
    void_event,
)
from invoices.api.calls import EntryOutput, EventView


class VoidInput(serializers.Serializer[object]):
    customer_id = serializers.CharField(
        max_length=64, required=False, help_text="Or `customer_id` in the query."
    )
    reason = serializers.CharField(max_length=500)


class AmendInput(VoidInput):
    idempotency_key = serializers.CharField(max_length=255)
    properties = serializers.DictField()


class ReplacementOutput(serializers.Serializer[object]):
    idempotency_key = serializers.CharField()
    cost = AmountField(source="amount")
    waived = serializers.CharField()
    balance = AmountField(source="balance_after")


class CorrectedOutput(serializers.Serializer[object]):
    kind = serializers.CharField(source="correction.kind")
    idempotency_key = serializers.CharField(source="key")
    amount = AmountField(source="correction.amount")
    currency = serializers.CharField()
    balance = AmountField()
    period_start = serializers.DateTimeField(source="correction.period_start")
    reason = serializers.CharField(source="correction.reason")
    actor = serializers.CharField(source="correction.actor")
    recorded_at = serializers.DateTimeField(source="correction.recorded_at")
    replacement = ReplacementOutput(allow_null=True)
    entries = EntryOutput(many=True)


class CorrectionView(EventView):
    """Corrects an event; a key that ends like the path is read as ever."""

    permission_classes = [MayCorrect]
    parser_classes = [RawJSONParser]
    suffix = ""

    @extend_schema(exclude=True)
    def get(self, request: Request, key: str) -> Response:
        return super().get(request, key=f"{key}/{self.suffix}")

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(_as_problem(exc) or exc)

    def find_customer(self, named: str | None) -> Customer:
        """Return the customer whom the body names, or else the query."""
        return get_customer(
            self.request, named or self.request.query_params.get("customer_id")
        )

    def note(self, reason: str) -> Note:
        """Return who corrects, why and when."""
        return Note(reason=reason, actor=actor_of(self.request), at=timezone.now())


class VoidView(CorrectionView):
    """Take an event back, once: its charges, and the credits that paid."""

    suffix = "void"

    @extend_schema(
        operation_id="void_event",
        request=VoidInput,
        responses={200: CorrectedOutput},
    )
    def post(self, request: Request, key: str) -> Response:
        body = read_body(request, VoidBody)
        customer = self.find_customer(body.customer_id)
        corrected = void_event(customer=customer, key=key, note=self.note(body.reason))
        return Response(CorrectedOutput(corrected).data)


class AmendView(CorrectionView):
    """Take an event back and record another one in its place, all or nothing."""

    suffix = "amend"

    @extend_schema(
        operation_id="amend_event",
        request=AmendInput,
        responses={200: CorrectedOutput},
    )
    def post(self, request: Request, key: str) -> Response:
        body = read_body(request, AmendBody)
        corrected = amend_event(
            customer=self.find_customer(body.customer_id),
            key=key,
            replacement=Replacement(
                key=body.idempotency_key, properties=body.properties
            ),
            note=self.note(body.reason),
        )
        return Response(CorrectedOutput(corrected).data)


def _as_problem(error: Exception) -> APIException | None:
    if isinstance(error, UnknownEventError):
        return NotFound()
    if isinstance(error, NotCorrectableError):
        return Conflict(str(error), error.code)
    if isinstance(error, KeyTakenError):
        detail = ErrorDetail(str(error), "idempotency_key_reused")
        return Unprocessable({"idempotency_key": [detail]})
    if isinstance(error, UnpriceableError):
        return Unprocessable(str(error), error.reason)
    return None
