"""`GET /v1/credit-packs`: what `POST /v1/purchases` can order."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.exact import AmountField
from billing.models import CreditPack
from billing.queries.credits import list_packs
from invoices.api.base import CustomerInput, CustomerView


class CreditPackOutput(serializers.ModelSerializer[CreditPack]):
    price = AmountField()
    credits = AmountField()
    bonus_credits = AmountField()

    class Meta:
        model = CreditPack
        fields = [
            "code",
            "name",
            "currency",
            "price",
            "credits",
            "bonus_credits",
            "validity_days",
        ]


class CreditPacksOutput(serializers.Serializer[object]):
    results = CreditPackOutput(many=True)


class CreditPacksView(CustomerView):
    """The packs that a customer can buy, in its currency, the cheapest first."""

    @extend_schema(
        operation_id="list_credit_packs",
        parameters=[CustomerInput],
        responses={200: CreditPacksOutput},
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002
        packs = list_packs(customer=self.get_customer())
        return Response(CreditPacksOutput({"results": packs}).data)
