"""`GET /v1/customers/{id}/balance`: what may still be spent."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.permissions import HasScope, get_customer
from billing.models.plans import AtZero, Mode
from billing.queries.allowances import CreditWarning, Standing, get_standing
from billing.services.customers import USAGE_READ
from ledger.money import as_text


class BalanceOutput(serializers.Serializer[object]):
    customer_id = serializers.CharField()
    currency = serializers.CharField()
    available = serializers.CharField()
    paid = serializers.CharField()
    promotional = serializers.CharField()
    overdraft = serializers.CharField()
    next_expiry = serializers.DateTimeField(allow_null=True)
    next_expiry_amount = serializers.CharField()
    mode = serializers.ChoiceField(Mode.choices)
    at_zero = serializers.ChoiceField(AtZero.choices)
    credit_limit = serializers.CharField()
    spendable = serializers.CharField()
    warning = serializers.ChoiceField(list(CreditWarning), allow_null=True)
    as_of = serializers.DateTimeField()


class BalanceView(APIView):
    """A customer's credits at this moment, as decimal strings."""

    permission_classes = [HasScope]
    required_scope = USAGE_READ

    @extend_schema(operation_id="get_balance", responses={200: BalanceOutput})
    def get(self, request: Request, external_id: str) -> Response:
        customer = get_customer(request, external_id)
        now = timezone.now()
        standing = get_standing(customer=customer, at=now)
        named = {"customer_id": customer.external_id}
        return Response(named | _as_json(standing) | {"as_of": now})


def _as_json(standing: Standing) -> dict[str, object]:
    balance, allowance = standing.balance, standing.allowance
    return {
        "currency": balance.currency,
        "available": as_text(balance.available),
        "paid": as_text(balance.paid),
        "promotional": as_text(balance.promotional),
        "overdraft": as_text(balance.overdraft),
        "next_expiry": balance.next_expiry,
        "next_expiry_amount": as_text(balance.next_expiry_amount),
        "mode": allowance.mode,
        "at_zero": allowance.at_zero,
        "credit_limit": as_text(allowance.credit_limit),
        "spendable": as_text(standing.spendable),
        "warning": standing.warning,
    }
