"""What `/v1/admissions` takes and answers, for the OpenAPI document."""

from rest_framework import serializers

from billing.api.problem_schema import RefusalOutput
from billing.queries.allowances import CreditWarning, LimitSource


class AdmissionInput(serializers.Serializer[object]):
    customer_id = serializers.CharField(
        max_length=64,
        required=False,
        help_text="Whose call it is; a customer's key need not say.",
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
    estimate = serializers.CharField()
    currency = serializers.CharField()
    balance = serializers.CharField()
    spendable = serializers.CharField()
    warning = serializers.ChoiceField(list(CreditWarning), allow_null=True)


class PaymentRequiredOutput(RefusalOutput):
    request_id = serializers.CharField(help_text="Of this request, not of the call.")
    limit_source = serializers.ChoiceField(list(LimitSource))
    estimate = serializers.CharField()
    currency = serializers.CharField()
    balance = serializers.CharField()
    spendable = serializers.CharField()
    topup_url = serializers.URLField()
