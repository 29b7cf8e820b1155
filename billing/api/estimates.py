"""`POST /v1/estimates`: what calls would cost, before they are made."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.exact import AmountField, ExactJSONParser, QuantityField
from billing.api.permissions import HasScope, get_customer, key_of
from billing.models import ApiKey, Plan
from billing.queries.plans import find_plan
from billing.services.customers import USAGE_READ
from billing.services.estimates import (
    Basis,
    UnpricedWorkloadError,
    Workload,
    basis_of,
    estimate_workloads,
)
from ledger.money import WIDE, exact

MAX_WORKLOADS = 100
MAX_DAYS = 366
_TOKENS = ("input_tokens", "output_tokens")


class UnpriceableError(ValidationError):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


class WorkloadInput(serializers.Serializer[object]):
    model = serializers.CharField(max_length=200)
    calls_per_day = QuantityField()
    input_tokens = QuantityField(
        required=False, help_text="All of a call's input, cached or not."
    )
    output_tokens = QuantityField(required=False)
    cached_share = QuantityField(
        required=False, help_text="From 0 to 1: the part of the input that is cached."
    )
    properties = serializers.DictField(
        required=False, help_text="What a call states beside these, as an event does."
    )

    def validate_cached_share(self, value: Decimal) -> Decimal:
        if value > 1:
            raise ValidationError("Must be from 0 to 1.")
        return value


class EstimateInput(serializers.Serializer[object]):
    customer_id = serializers.CharField(
        required=False, help_text="Whose prices count; a customer's key need not say."
    )
    plan = serializers.SlugField(
        required=False,
        help_text="Another plan than the customer's, by its code. For service keys.",
    )
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=30)
    workloads = serializers.ListField(
        child=WorkloadInput(), min_length=1, max_length=MAX_WORKLOADS
    )


class EstimatedChargeOutput(serializers.Serializer[object]):
    dimension = serializers.CharField()
    quantity = AmountField()
    amount = AmountField()
    explanation = serializers.CharField()


class WorkloadOutput(serializers.Serializer[object]):
    model = serializers.CharField(source="workload.model")
    calls = AmountField()
    amount = AmountField()
    per_call = AmountField()
    depends_on_time = serializers.BooleanField()
    charges = EstimatedChargeOutput(many=True)


class ProposedPackOutput(serializers.Serializer[object]):
    code = serializers.CharField(source="pack.code")
    name = serializers.CharField(source="pack.name")
    count = serializers.IntegerField()
    price = AmountField()
    credits = AmountField()
    lasts_days = serializers.IntegerField()


class EstimateOutput(serializers.Serializer[object]):
    currency = serializers.CharField(source="basis.currency")
    plan = serializers.CharField(source="basis.plan.code")
    as_of = serializers.DateTimeField(source="basis.at")
    days = serializers.IntegerField()
    amount = AmountField()
    per_day = AmountField()
    monthly_fee = AmountField(source="basis.plan.monthly_fee")
    workloads = WorkloadOutput(many=True)
    pack = ProposedPackOutput(allow_null=True)


class EstimatesView(APIView):
    """What described calls would cost, with the arithmetic, and a pack that pays it."""

    permission_classes = [HasScope]
    parser_classes = [ExactJSONParser]
    required_scope = USAGE_READ

    @extend_schema(
        operation_id="estimate", request=EstimateInput, responses={200: EstimateOutput}
    )
    def post(self, request: Request) -> Response:
        asked = EstimateInput(data=request.data)
        asked.is_valid(raise_exception=True)
        basis = _basis(request, asked.validated_data, timezone.now())
        workloads = [_workload(each) for each in asked.validated_data["workloads"]]
        try:
            estimate = estimate_workloads(
                basis=basis, workloads=workloads, days=asked.validated_data["days"]
            )
        except UnpricedWorkloadError as error:
            fields = {"workloads": {str(error.position): {"model": str(error)}}}
            raise UnpriceableError(fields, error.reason) from error
        return Response(EstimateOutput(estimate).data)


def _basis(request: Request, asked: dict[str, Any], at: datetime) -> Basis:
    key, code, named = key_of(request), asked.get("plan"), asked.get("customer_id")
    plan = _get_plan(code, key) if code else None
    if plan and named is None:
        return Basis(plan, at)
    if named is None and key.is_service_key:
        raise ValidationError({"customer_id": "Name a customer, or a plan."})
    return basis_of(customer=get_customer(request, named), plan=plan, at=at)


def _get_plan(code: str, key: ApiKey) -> Plan:
    if not key.is_service_key:
        raise ValidationError({"plan": "Only a service key may name a plan."})
    plan = find_plan(code=code)
    if plan is None:
        raise ValidationError({"plan": f"There is no plan {code!r}."})
    return plan


def _workload(asked: dict[str, Any]) -> Workload:
    properties = dict(asked.get("properties", {}))
    properties |= {name: asked[name] for name in _TOKENS if name in asked}
    if "cached_share" in asked:
        whole = asked.get("input_tokens", Decimal(0))
        cached = exact(WIDE.multiply(whole, asked["cached_share"]))
        properties |= {"cached_input_tokens": cached, "input_is_total": True}
    return Workload(asked["model"], properties, asked["calls_per_day"])
