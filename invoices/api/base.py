"""What every resource here has: a customer to whom all of it belongs."""

from django.core.exceptions import ObjectDoesNotExist
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.permissions import HasScope, get_customer
from billing.models import Customer
from billing.services.customers import USAGE_READ


class CustomerInput(serializers.Serializer[object]):
    customer_id = serializers.CharField(
        required=False, help_text="Whom a service key asks about."
    )


class CustomerView(APIView):
    """Reads what belongs to the key's customer; a service key names one."""

    permission_classes = [HasScope]
    required_scope = USAGE_READ

    def get_customer(self) -> Customer:
        """Return the customer the request is about."""
        named = self.request.query_params.get("customer_id")
        return get_customer(self.request, named)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, ObjectDoesNotExist):
            # Another customer's is as absent as one that does not exist.
            exc = NotFound()
        return super().handle_exception(exc)
