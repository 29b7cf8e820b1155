"""What `/v1/events` takes and answers, for the OpenAPI document."""

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

EVENT_EXAMPLE = OpenApiExample(
    "One event",
    value={
        "idempotency_key": "req_01HX9P2Q3R4S5T6U7V8W9X0Y1Z",
        "customer_id": "cus_abc123",
        "event_name": "llm_inference",
        "timestamp": "2025-05-27T09:14:22.331Z",
        "properties": {
            "model": "text-gen-v3",
            "input_tokens": 412,
            "output_tokens": 1083,
            "request_type": "completion",
            "latency_ms": 2847,
        },
    },
    request_only=True,
)


class StreamInput(serializers.Serializer[object]):
    sequence = serializers.IntegerField(min_value=0, max_value=9_999)
    final = serializers.BooleanField()


class EventsInput(serializers.Serializer[object]):
    idempotency_key = serializers.CharField(max_length=255)
    customer_id = serializers.CharField(max_length=64)
    event_name = serializers.CharField(max_length=100)
    timestamp = serializers.DateTimeField()
    properties = serializers.DictField()
    stream = StreamInput(required=False)
    api_key = serializers.CharField(
        max_length=64,
        required=False,
        allow_null=True,
        help_text="The prefix of the customer's key that made the call: tg_abcd1234.",
    )


class FieldErrorOutput(serializers.Serializer[object]):
    code = serializers.CharField()
    detail = serializers.CharField()
    pointer = serializers.CharField()


class EventOutput(serializers.Serializer[object]):
    index = serializers.IntegerField()
    idempotency_key = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(
        ["accepted", "duplicate", "conflict", "quarantined", "rejected"]
    )
    cost = serializers.CharField(required=False)
    balance = serializers.CharField(required=False)
    currency = serializers.CharField(required=False)
    warning = serializers.CharField(
        required=False,
        help_text="`credits_exhausted` or `credit_limit_exceeded`: recorded anyway.",
    )
    waived = serializers.CharField(required=False)
    stream = serializers.CharField(required=False)
    errors = FieldErrorOutput(many=True, required=False)  # type: ignore[assignment]


class EventsOutput(serializers.Serializer[object]):
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    conflicts = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    rejected = serializers.IntegerField()
    events = EventOutput(many=True)
