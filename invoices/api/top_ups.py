"""`/v1/customers/{id}/auto-top-up`: buying credits by itself when they run low."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.amounts import DecimalTextField
from billing.api.estimate_schema import StrictInput
from billing.api.exact import AmountField, ExactJSONParser
from billing.api.permissions import MayBuy, actor_of, get_customer
from billing.api.problems import Unprocessable
from billing.api.strict import JSONBooleanField, JSONIntegerField
from billing.models import Customer
from billing.services.alerts import ThresholdError
from invoices.models import OffBecause, PaymentMethod
from invoices.queries.top_ups import TopUp, find_method, get_top_up
from invoices.services.purchases import AmountNotForSaleError
from invoices.services.top_ups import (
    MonthlyMaximumError,
    ThresholdAboveAmountError,
    set_auto_top_up,
    switch_off_auto_top_up,
)

_AMOUNTS = ("threshold", "amount", "monthly_maximum")
_FIELDS: dict[type[Exception], str] = {
    ThresholdError: "threshold",
    ThresholdAboveAmountError: "threshold",
    AmountNotForSaleError: "amount",
    MonthlyMaximumError: "monthly_maximum",
}


class TopUpInput(StrictInput):
    is_on = JSONBooleanField()
    threshold = DecimalTextField(required=False)
    amount = DecimalTextField(required=False)
    monthly_maximum = DecimalTextField(required=False)
    payment_method = JSONIntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = (*_AMOUNTS, "payment_method")
        missing = [name for name in named if attrs["is_on"] and name not in attrs]
        if missing:
            message = ErrorDetail("It is needed to switch on.", "required")
            raise ValidationError({name: [message] for name in missing})
        return attrs


class MethodOutput(serializers.ModelSerializer[PaymentMethod]):
    class Meta:
        model = PaymentMethod
        fields = ["id", "label"]


class TermsOutput(serializers.Serializer[object]):
    threshold = AmountField()
    amount = AmountField()
    monthly_maximum = AmountField()
    payment_method = MethodOutput(source="method")
    off_because = serializers.CharField()
    failures = serializers.IntegerField()
    retry_at = serializers.DateTimeField(allow_null=True)
    capped_until = serializers.DateTimeField(allow_null=True)


class TopUpOutput(serializers.Serializer[object]):
    customer_id = serializers.CharField(source="customer.external_id")
    currency = serializers.CharField(source="customer.wallet.currency")
    is_on = serializers.BooleanField()
    terms = TermsOutput(allow_null=True)
    bought_this_month = AmountField(source="bought")
    pending_invoice = serializers.CharField(
        source="pending.invoice.number", default=None, allow_null=True
    )
    payment_methods = MethodOutput(source="methods", many=True)


class TopUpView(APIView):
    """Read what is bought when credits run low, switch it on or off."""

    permission_classes = [MayBuy]
    parser_classes = [ExactJSONParser]

    @extend_schema(operation_id="get_auto_top_up", responses={200: TopUpOutput})
    def get(self, request: Request, external_id: str) -> Response:
        return _answer(get_customer(request, external_id), timezone.now())

    @extend_schema(
        operation_id="set_auto_top_up",
        request=TopUpInput,
        responses={200: TopUpOutput},
    )
    def put(self, request: Request, external_id: str) -> Response:
        customer, now = get_customer(request, external_id), timezone.now()
        asked = TopUpInput(data=request.data)
        asked.is_valid(raise_exception=True)
        _set(customer, asked.validated_data, actor_of(request), now)
        return _answer(customer, now)


def _set(customer: Customer, asked: dict[str, Any], by: str, at: datetime) -> None:
    if not asked["is_on"]:
        because = OffBecause.CUSTOMER
        switch_off_auto_top_up(customer=customer, because=because, by=by, at=at)
        return
    method = find_method(customer=customer, method_id=asked["payment_method"])
    if method is None:
        raise Unprocessable({"payment_method": ["No such card is kept."]})
    amounts = {name: asked[name] for name in _AMOUNTS}
    try:
        set_auto_top_up(customer=customer, method=method, by=by, at=at, **amounts)
    except tuple(_FIELDS) as error:
        raise _as_problem(error) from error


def _as_problem(error: Exception) -> APIException:
    return Unprocessable({_FIELDS[type(error)]: [str(error)]})


def _answer(customer: Customer, at: datetime) -> Response:
    top_up: TopUp = get_top_up(customer=customer, at=at)
    return Response(TopUpOutput(top_up).data)
