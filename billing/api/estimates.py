"""`POST /v1/estimates`: what calls would cost, or past ones would have cost."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.estimate_schema import (
    EstimateInput,
    EstimateOutput,
    PastEstimateOutput,
)
from billing.api.exact import ExactJSONParser
from billing.api.permissions import HasScope, get_customer, key_of
from billing.api.problems import UnpriceableError
from billing.models import ApiKey, Plan
from billing.pricing.estimating import UnpricedCallsError
from billing.pricing.rating import UnratableError
from billing.queries.estimates import Basis, basis_of
from billing.queries.past_estimates import TooMuchUsageError, estimate_past
from billing.queries.plans import find_plan
from billing.queries.workloads import Workload, estimate_workloads
from billing.services.customers import USAGE_READ
from ledger.money import WIDE, exact

_TOKENS = ("input_tokens", "output_tokens")


class EstimatesView(APIView):
    """Price described calls, or a customer's past ones again, and propose a pack."""

    permission_classes = [HasScope]
    parser_classes = [ExactJSONParser]
    required_scope = USAGE_READ

    @extend_schema(
        operation_id="estimate",
        request=EstimateInput,
        responses={
            200: PolymorphicProxySerializer(
                component_name="AnyEstimateOutput",
                serializers=[EstimateOutput, PastEstimateOutput],
                resource_type_field_name=None,
            )
        },
    )
    def post(self, request: Request) -> Response:
        asked = EstimateInput(data=request.data)
        asked.is_valid(raise_exception=True)
        basis = _basis(request, asked.validated_data, timezone.now())
        if "past" in asked.validated_data:
            return Response(_estimate_past(basis, asked.validated_data))
        return Response(_estimate(basis, asked.validated_data))


def _estimate(basis: Basis, asked: dict[str, Any]) -> dict[str, Any]:
    workloads = [_workload(each) for each in asked["workloads"]]
    try:
        estimate = estimate_workloads(
            basis=basis, workloads=workloads, days=asked["days"]
        )
    except UnpricedCallsError as error:
        fields = {"workloads": {str(error.position): {"model": str(error)}}}
        raise UnpriceableError(fields, error.reason) from error
    return EstimateOutput(estimate).data


def _estimate_past(basis: Basis, asked: dict[str, Any]) -> dict[str, Any]:
    if basis.account is None:
        raise ValidationError({"customer_id": "Name the customer of the usage."})
    try:
        estimate = estimate_past(
            basis=basis,
            account=basis.account,
            days=asked["days"],
            model=asked["past"].get("model"),
        )
    except TooMuchUsageError as error:
        raise UnpriceableError({"days": str(error)}, "too_much_usage") from error
    except UnratableError as error:
        raise UnpriceableError({"plan": error.detail}, error.reason) from error
    return PastEstimateOutput(estimate).data


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
