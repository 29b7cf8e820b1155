"""What a refusal looks like, for the OpenAPI document."""

from rest_framework import serializers


class ProblemErrorOutput(serializers.Serializer[object]):
    code = serializers.CharField()
    detail = serializers.CharField()
    pointer = serializers.CharField(help_text="Where in the body, as a JSON pointer.")


class RefusalOutput(serializers.Serializer[object]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    instance = serializers.CharField()
    request_id = serializers.CharField()


class ProblemOutput(RefusalOutput):
    # The name is the wire's; what DRF has under it is hidden by no instance of this.
    errors = ProblemErrorOutput(many=True, required=False)  # type: ignore[assignment]
