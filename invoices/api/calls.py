"""The calls of an invoice line's day, and `GET /v1/events/{key}`."""

from datetime import date

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.exact import AmountField
from invoices.api.base import CustomerInput, CustomerView
from invoices.api.lines import BandOutput, DayOutput, OwnLineOutput
from invoices.queries import get_call, get_line, list_calls


class AfterInput(CustomerInput):
    after = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class ChargeOutput(serializers.Serializer[object]):
    dimension = serializers.CharField(source="charge.dimension")
    quantity = AmountField(source="charge.quantity")
    unit = serializers.IntegerField(source="charge.unit")
    unit_name = serializers.CharField(source="charge.unit_name")
    unit_price = AmountField(source="charge.unit_price")
    multiplier = AmountField(source="charge.multiplier")
    tier = serializers.IntegerField(source="charge.tier", allow_null=True)
    billed = AmountField(source="charge.billed", allow_null=True)
    flat = AmountField(source="charge.flat", allow_null=True)
    discount = AmountField(source="charge.discount")
    priced_as = serializers.CharField(source="charge.rate.dimension")
    amount = AmountField(source="charge.amount")
    explanation = serializers.CharField()


class LineCallOutput(ChargeOutput):
    idempotency_key = serializers.CharField(source="key")
    occurred_at = serializers.DateTimeField(source="charge.occurred_at")


class CallPageOutput(serializers.Serializer[object]):
    day = DayOutput()
    next_after = serializers.IntegerField(allow_null=True)
    results = LineCallOutput(source="calls", many=True)


class CallsView(CustomerView):
    """The calls of a line on one day of the customer's time zone, oldest first.

    `next_after` is the `after` of the next page; without it there is none.
    """

    @extend_schema(
        operation_id="list_invoice_line_calls",
        parameters=[AfterInput],
        responses={200: CallPageOutput},
    )
    def get(self, request: Request, number: str, position: int, day: date) -> Response:
        query = AfterInput(data=request.query_params)
        query.is_valid(raise_exception=True)
        after = query.validated_data.get("after")
        line = get_line(customer=self.get_customer(), number=number, position=position)
        page = list_calls(line=line, day=day, after=after)
        return Response(CallPageOutput(page).data)


class ExplainedChargeOutput(ChargeOutput):
    band = BandOutput(source="charge.band", allow_null=True)
    when = serializers.DictField(source="charge.rate.when")
    invoice_line = OwnLineOutput(source="line", allow_null=True)


class LotOutput(serializers.Serializer[object]):
    id = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]
    reference = serializers.CharField()


class EntryOutput(serializers.Serializer[object]):
    sequence = serializers.IntegerField()
    kind = serializers.CharField()
    amount = AmountField()
    balance_after = AmountField()
    # The sequence of the entry that it takes back.
    reverses = serializers.IntegerField(allow_null=True)
    lot = LotOutput(allow_null=True)


class TakenBackOutput(serializers.Serializer[object]):
    kind = serializers.CharField(source="correction.kind")
    reason = serializers.CharField(source="correction.reason")
    actor = serializers.CharField(source="correction.actor")
    recorded_at = serializers.DateTimeField(source="correction.recorded_at")
    period_start = serializers.DateTimeField(source="correction.period_start")
    amount = AmountField(source="correction.amount")
    replacement = serializers.CharField(allow_null=True)
    charges = ExplainedChargeOutput(many=True)
    entries = EntryOutput(many=True)


class CallOutput(serializers.Serializer[object]):
    idempotency_key = serializers.CharField(source="event.idempotency_key")
    event_name = serializers.CharField(source="event.event_name")
    api_key = serializers.CharField(source="event.api_key.prefix", default=None)
    model = serializers.CharField(source="event.model")
    occurred_at = serializers.DateTimeField(source="event.occurred_at")
    recorded_at = serializers.DateTimeField(source="event.recorded_at")
    # Numbers with a fraction are written as text, so that no digit is lost.
    properties = serializers.DictField(source="event.properties")
    amount = AmountField(source="event.amount")
    waived = serializers.CharField(source="event.waived")
    currency = serializers.CharField(source="version.rate_card.currency")
    balance_after = AmountField(source="event.balance_after")
    period_start = serializers.DateTimeField(source="event.period_start")
    rate_card = serializers.CharField(source="version.rate_card.code")
    version = serializers.IntegerField(source="version.number")
    charges = ExplainedChargeOutput(many=True)
    entries = EntryOutput(many=True)
    correction = TakenBackOutput(source="taken_back", allow_null=True)
    amends = serializers.CharField(allow_null=True)


class EventView(CustomerView):
    """One call: its whole arithmetic, what paid for it, and its invoice lines.

    If it was taken back, `correction` says why, by whom, and how; `amends` is the key
    of the call that it stands in for.
    """

    @extend_schema(
        operation_id="get_event",
        parameters=[CustomerInput],
        responses={200: CallOutput},
    )
    def get(self, request: Request, key: str) -> Response:  # noqa: ARG002
        call = get_call(customer=self.get_customer(), key=key)
        return Response(CallOutput(call).data)
