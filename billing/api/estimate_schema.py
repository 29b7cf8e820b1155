"""What `/v1/estimates` takes and answers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from billing.api.exact import AmountField, QuantityField

MAX_WORKLOADS = 100
MAX_DAYS = 366

# What `cached_share` says of a call, together with the field `input_tokens`.
_SHARED = {"input_tokens", "cached_input_tokens", "input_is_total"}


class StrictInput(serializers.Serializer[Any]):
    """Refuses fields that it has not: a typing error would change the answer."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data.keys() - self.fields.keys())
            if unknown:
                raise ValidationError({name: ["No such field."] for name in unknown})
        return super().to_internal_value(data)


class WorkloadInput(StrictInput):
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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = {*attrs, "cached_share"}
        if "cached_share" in attrs:
            named |= _SHARED
        repeated = sorted(named & attrs.get("properties", {}).keys())
        if repeated:
            problem = ["Is said by a field of the workload beside the properties."]
            raise ValidationError({"properties": dict.fromkeys(repeated, problem)})
        return attrs


class PastInput(StrictInput):
    model = serializers.CharField(
        max_length=200,
        required=False,
        help_text="Price every call as this model's; else each as its own.",
    )


class EstimateInput(StrictInput):
    customer_id = serializers.CharField(
        required=False, help_text="Whose prices count; a customer's key need not say."
    )
    plan = serializers.SlugField(
        required=False,
        help_text="Another plan than the customer's, by its code. For service keys.",
    )
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=30)
    workloads = serializers.ListField(
        child=WorkloadInput(),
        min_length=1,
        max_length=MAX_WORKLOADS,
        required=False,
        help_text="Described calls. Or else `past`.",
    )
    past = PastInput(
        required=False,
        help_text="The customer's real usage of the last `days`. Or else `workloads`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("workloads" in attrs) == ("past" in attrs):
            raise ValidationError({"workloads": "Describe workloads, or ask for past."})
        return attrs


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


class ModelEstimateOutput(serializers.Serializer[object]):
    model = serializers.CharField()
    before = AmountField()
    after = AmountField()


class UnpricedOutput(serializers.Serializer[object]):
    model = serializers.CharField()
    code = serializers.CharField(source="reason")
    detail = serializers.CharField()
    calls = serializers.IntegerField()
    before = AmountField()


class PastEstimateOutput(serializers.Serializer[object]):
    currency = serializers.CharField(source="basis.currency")
    plan = serializers.CharField(source="basis.plan.code")
    as_of = serializers.DateTimeField(source="basis.at")
    start = serializers.DateTimeField()
    days = serializers.IntegerField()
    calls = serializers.IntegerField()
    before = AmountField()
    amount = AmountField(source="after")
    difference = AmountField()
    per_day = AmountField()
    monthly_fee = AmountField(source="basis.plan.monthly_fee")
    models = ModelEstimateOutput(many=True)
    unpriced = UnpricedOutput(many=True)
    pack = ProposedPackOutput(allow_null=True)
