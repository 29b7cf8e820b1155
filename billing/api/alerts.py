"""`/v1/customers/{id}/alerts`: the thresholds below which a customer is sent a mail."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.amounts import DecimalTextField
from billing.api.estimate_schema import StrictInput
from billing.api.exact import AmountField, ExactJSONParser
from billing.api.permissions import MayBuy, get_customer
from billing.api.problems import Unprocessable
from billing.models import BalanceAlert, Customer
from billing.queries.alerts import list_alerts
from billing.services.alerts import MOST_ALERTS, ThresholdError, set_alerts


class AlertsInput(StrictInput):
    thresholds = serializers.ListField(
        child=DecimalTextField(),
        max_length=MOST_ALERTS,
        help_text="In units of the wallet's currency; an empty list for no alerts.",
    )


class AlertOutput(serializers.ModelSerializer[BalanceAlert]):
    threshold = AmountField()

    class Meta:
        model = BalanceAlert
        fields = ["threshold", "is_armed", "crossings", "crossed_at"]


class AlertsOutput(serializers.Serializer[object]):
    customer_id = serializers.CharField()
    currency = serializers.CharField()
    thresholds = serializers.ListField(child=AmountField())
    alerts = AlertOutput(many=True)


class AlertsView(APIView):
    """Read or replace the thresholds; one is crossed once until credits rise again."""

    permission_classes = [MayBuy]
    parser_classes = [ExactJSONParser]

    @extend_schema(operation_id="get_alerts", responses={200: AlertsOutput})
    def get(self, request: Request, external_id: str) -> Response:
        customer = get_customer(request, external_id)
        return Response(_as_json(customer, list_alerts(customer=customer)))

    @extend_schema(
        operation_id="set_alerts",
        request=AlertsInput,
        responses={200: AlertsOutput},
    )
    def put(self, request: Request, external_id: str) -> Response:
        customer = get_customer(request, external_id)
        asked = AlertsInput(data=request.data)
        asked.is_valid(raise_exception=True)
        thresholds = asked.validated_data["thresholds"]
        try:
            alerts = set_alerts(
                customer=customer, thresholds=thresholds, at=timezone.now()
            )
        except ThresholdError as error:
            raise Unprocessable({"thresholds": [str(error)]}) from error
        return Response(_as_json(customer, alerts))


def _as_json(customer: Customer, alerts: list[BalanceAlert]) -> dict[str, Any]:
    return AlertsOutput(
        {
            "customer_id": customer.external_id,
            "currency": customer.wallet.currency,
            "thresholds": [alert.threshold for alert in alerts],
            "alerts": alerts,
        }
    ).data
