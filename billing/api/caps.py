"""`/v1/customers/{id}/caps`: the most that a customer's calls may cost."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.amounts import DecimalTextField
from billing.api.estimate_schema import StrictInput
from billing.api.exact import AmountField, ExactJSONParser
from billing.api.permissions import MayCap, actor_of, get_customer, key_of
from billing.api.problems import Conflict, Unprocessable
from billing.api.strict import TextField
from billing.models import ApiKey, CapOwner, CapPeriod, Customer, SpendCap
from billing.queries.cap_states import (
    CapState,
    find_key,
    get_cap_state,
    get_caps_page,
)
from billing.services.caps import (
    CapAmountError,
    OperatorsCapError,
    TooManyCapsError,
    remove_cap,
    set_cap,
)


class CapInput(StrictInput):
    period = serializers.ChoiceField(CapPeriod.choices)
    amount = DecimalTextField(
        help_text="In units of the wallet's currency; 0: nothing may be spent."
    )
    api_key = TextField(
        max_length=64,
        required=False,
        allow_null=True,
        help_text="The prefix of a key of the customer; null: calls with any or none.",
    )
    model = TextField(
        max_length=200, required=False, allow_null=True, help_text="Null: every model."
    )
    set_by = serializers.ChoiceField(
        CapOwner.choices,
        required=False,
        help_text="Whose it is, set by a service key; otherwise the operator's.",
    )


class CapOutput(serializers.Serializer[object]):
    id = serializers.IntegerField(source="cap.id")
    period = serializers.ChoiceField(CapPeriod.choices, source="cap.period")
    model = serializers.SerializerMethodField()
    api_key = serializers.CharField(source="api_key.prefix", default=None)
    amount = AmountField(source="cap.amount")
    spent = AmountField()
    remaining = AmountField()
    resets_at = serializers.DateTimeField()
    set_by = serializers.ChoiceField(CapOwner.choices, source="cap.set_by")

    def get_model(self, state: CapState) -> str | None:
        return state.cap.model or None


class CapsOutput(serializers.Serializer[object]):
    customer_id = serializers.CharField()
    currency = serializers.CharField()
    caps = CapOutput(many=True)


class CapsView(APIView):
    """List what a customer's calls may cost in a day or a month, or say it."""

    permission_classes = [MayCap]
    parser_classes = [ExactJSONParser]

    @extend_schema(operation_id="list_caps", responses={200: CapsOutput})
    def get(self, request: Request, external_id: str) -> Response:
        customer = get_customer(request, external_id)
        page = get_caps_page(customer=customer, at=timezone.now())
        answer = {
            "customer_id": customer.external_id,
            "currency": page.currency,
            "caps": page.caps,
        }
        return Response(CapsOutput(answer).data)

    @extend_schema(operation_id="set_cap", request=CapInput, responses={200: CapOutput})
    def post(self, request: Request, external_id: str) -> Response:
        customer = get_customer(request, external_id)
        asked = CapInput(data=request.data)
        asked.is_valid(raise_exception=True)
        row = _set(request, customer, asked.validated_data)
        state = get_cap_state(customer=customer, row=row, at=timezone.now())
        return Response(CapOutput(state).data)


class CapView(APIView):
    """Remove a cap; a customer's own key removes the customer's own."""

    permission_classes = [MayCap]

    @extend_schema(operation_id="remove_cap", responses={204: None})
    def delete(self, request: Request, external_id: str, cap_id: int) -> Response:
        customer = get_customer(request, external_id)
        owner = _owner_of(key_of(request), None)
        try:
            remove_cap(customer=customer, cap_id=cap_id, owner=owner)
        except SpendCap.DoesNotExist as error:
            raise NotFound from error
        except OperatorsCapError as error:
            raise PermissionDenied(str(error)) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


def _set(request: Request, customer: Customer, asked: dict[str, Any]) -> SpendCap:
    owner = _owner_of(key_of(request), asked.get("set_by"))
    try:
        return set_cap(
            customer=customer,
            period=CapPeriod(asked["period"]),
            amount=asked["amount"],
            api_key=_find_key(customer, asked.get("api_key")),
            model=asked.get("model") or "",
            owner=owner,
            by=actor_of(request),
        )
    except CapAmountError as error:
        raise Unprocessable({"amount": [str(error)]}) from error
    except TooManyCapsError as error:
        raise Conflict(str(error)) from error


def _owner_of(key: ApiKey, said: str | None) -> CapOwner:
    if key.is_service_key:
        return CapOwner(said or CapOwner.OPERATOR)
    if said == CapOwner.OPERATOR:
        message = "A customer's own key sets the customer's caps alone."
        raise ValidationError({"set_by": [message]})
    return CapOwner.CUSTOMER


def _find_key(customer: Customer, prefix: str | None) -> ApiKey | None:
    if prefix is None:
        return None
    # A secret is never looked for, nor said again.
    found = None if "." in prefix else find_key(customer=customer, prefix=prefix)
    if found is None:
        message = "The customer has no API key with this prefix."
        raise Unprocessable({"api_key": [message]})
    return found
