"""What `/v1/admissions` takes and answers, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from billing.api.problem_schema import RefusalOutput
from billing.models import CapOwner, CapPeriod, LimitName
from billing.queries.allowances import CreditWarning


class AdmissionInput(serializers.Serializer[object]):
    customer_id = serializers.CharField(
        max_length=64,
        required=False,
        help_text="Whose call it is; a customer's key need not say.",
    )
    api_key = serializers.CharField(
        max_length=255,
        required=False,
        help_text="The customer's own key that the call came with, whole.",
    )
    request_id = serializers.CharField(max_length=255)
    model = serializers.CharField()
    input_tokens = serializers.IntegerField(
        min_value=0, help_text="As the event will state it."
    )
    max_output_tokens = serializers.IntegerField(
        min_value=0, help_text="The most that the call may generate."
    )
    properties = serializers.DictField(
        required=False, help_text="What the event will state beside these."
    )


class AdmissionOutput(serializers.Serializer[object]):
    admitted = serializers.BooleanField()
    request_id = serializers.CharField()
    customer_id = serializers.CharField()
    estimate = serializers.CharField()
    currency = serializers.CharField()
    balance = serializers.CharField()
    held = serializers.CharField(
        help_text="What calls in flight may still take, this one included."
    )
    spendable = serializers.CharField()
    warning = serializers.ChoiceField(list(CreditWarning), allow_null=True)
    expires_at = serializers.DateTimeField(
        help_text="When what is held is given back, unless its event came."
    )
    replayed = serializers.BooleanField(help_text="It was admitted before.")


class ExtensionOutput(serializers.Serializer[object]):
    request_id = serializers.CharField()
    expires_at = serializers.DateTimeField()


class CapRefusalOutput(serializers.Serializer[object]):
    id = serializers.IntegerField()
    period = serializers.ChoiceField(CapPeriod.choices)
    model = serializers.CharField(help_text="Empty: of every model.")
    set_by = serializers.ChoiceField(CapOwner.choices)
    amount = serializers.CharField()
    spent = serializers.CharField()
    held = serializers.CharField()
    resets_at = serializers.DateTimeField()


class PaymentRequiredOutput(RefusalOutput):
    request_id = serializers.CharField(help_text="Of this request, not of the call.")
    limit_source = serializers.ChoiceField(
        [source for source in LimitName if not source.is_rate]
    )
    estimate = serializers.CharField()
    currency = serializers.CharField()
    balance = serializers.CharField()
    held = serializers.CharField()
    spendable = serializers.CharField()
    topup_url = serializers.URLField()
    cap = CapRefusalOutput(required=False, help_text="The cap that binds, if one does.")


class RateLimitOutput(serializers.Serializer[object]):
    name = serializers.CharField()
    model = serializers.CharField()
    size = serializers.IntegerField()
    used = serializers.IntegerField()
    remaining = serializers.IntegerField()
    asked = serializers.IntegerField(required=False)
    retry_after = serializers.IntegerField(help_text="In seconds.")


class TooManyRequestsOutput(RefusalOutput):
    limit_source = serializers.ChoiceField(
        [source for source in LimitName if source.is_rate]
    )
    limit = RateLimitOutput(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        names = serializers.ListField(child=serializers.CharField())
        return super().get_fields() | {"violated-policies": names}
