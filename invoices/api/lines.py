"""`GET /v1/invoices/{number}/lines`, and each line's days."""

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.exact import AmountField
from invoices.api.base import CustomerInput, CustomerView
from invoices.models import InvoiceLine
from invoices.queries import (
    find_corrected_lines,
    get_invoice,
    get_line,
    list_days,
    list_lines,
)


class TierOutput(serializers.Serializer[object]):
    position = serializers.IntegerField()
    up_to = AmountField(allow_null=True)
    price = AmountField()
    flat = AmountField()


class RateOutput(serializers.Serializer[object]):
    dimension = serializers.CharField()
    unit = serializers.IntegerField()
    unit_name = serializers.CharField()
    price = AmountField()
    when = serializers.DictField()
    per_period = serializers.CharField()
    free_per_period = AmountField()
    minimum_per_period = AmountField(allow_null=True)
    maximum_per_period = AmountField(allow_null=True)
    tiers = TierOutput(many=True)
    rate_card = serializers.CharField(source="version.rate_card.code")
    version = serializers.IntegerField(source="version.number")
    effective_from = serializers.DateTimeField(source="version.effective_from")


class BandOutput(serializers.Serializer[object]):
    max_tokens = serializers.IntegerField(allow_null=True)
    below_tokens = serializers.IntegerField(allow_null=True)
    multiplier = AmountField()


class OwnLineOutput(serializers.Serializer[object]):
    invoice = serializers.CharField(source="invoice.number")
    position = serializers.IntegerField()
    description = serializers.CharField()


class LineOutput(serializers.Serializer[object]):
    position = serializers.IntegerField()
    kind = serializers.CharField()
    description = serializers.CharField()
    model = serializers.CharField()
    rate = RateOutput(allow_null=True)
    band = BandOutput(allow_null=True)
    tier = serializers.IntegerField(allow_null=True)
    discount = AmountField()
    calls = serializers.IntegerField()
    quantity = AmountField()
    exact_amount = AmountField()
    amount = AmountField()
    # The line of an earlier invoice that an adjustment takes back from.
    corrects = serializers.SerializerMethodField()

    @extend_schema_field(OwnLineOutput(allow_null=True))
    def get_corrects(self, line: InvoiceLine) -> object:
        corrected = self.context["corrected"].get(line.pk)
        return OwnLineOutput(corrected).data if corrected else None


class LinesOutput(serializers.Serializer[object]):
    results = LineOutput(many=True)


class DayOutput(serializers.Serializer[object]):
    day = serializers.DateField()
    calls = serializers.IntegerField()
    quantity = AmountField()
    amount = AmountField()


class DaysOutput(serializers.Serializer[object]):
    results = DayOutput(many=True)


class LinesView(CustomerView):
    """An invoice's lines, in their order; the amounts add up to its total."""

    @extend_schema(
        operation_id="list_invoice_lines",
        parameters=[CustomerInput],
        responses={200: LinesOutput},
    )
    def get(self, request: Request, number: str) -> Response:  # noqa: ARG002
        invoice = get_invoice(customer=self.get_customer(), number=number)
        lines = list(list_lines(invoice=invoice))
        context = {"corrected": find_corrected_lines(lines)}
        return Response(LinesOutput({"results": lines}, context=context).data)


class DaysView(CustomerView):
    """A line's days; the amounts add up to its exact amount, to the last digit."""

    @extend_schema(
        operation_id="list_invoice_line_days",
        parameters=[CustomerInput],
        responses={200: DaysOutput},
    )
    def get(self, request: Request, number: str, position: int) -> Response:  # noqa: ARG002
        line = get_line(customer=self.get_customer(), number=number, position=position)
        return Response(DaysOutput({"results": list_days(line=line)}).data)
