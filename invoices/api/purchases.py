"""`POST /v1/purchases`: ordering credits, and where to pay for them."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.amounts import DecimalTextField
from billing.api.estimate_schema import StrictInput
from billing.api.exact import AmountField, ExactJSONParser
from billing.api.permissions import HasScope, get_customer
from billing.api.problem_schema import ProblemOutput
from billing.api.problems import ProviderUnavailable, Unprocessable
from billing.api.strict import AddressField, CodeField, TextField
from billing.models import Customer
from billing.queries.credits import find_pack
from billing.services.customers import CREDITS_BUY
from invoices.models import Invoice
from invoices.payments import ProviderError
from invoices.return_urls import is_return_url
from invoices.services.checkout import start_checkout
from invoices.services.payments import NotOpenError
from invoices.services.purchases import (
    AmountNotForSaleError,
    KeyReusedError,
    Order,
    Ordered,
    PackNotForSaleError,
    PackNotPayableError,
    TooManyOrdersError,
    place_order,
)
from ledger.money import ZERO

_HEADER = "Idempotency-Key"
# A structured string of RFC 9651, or the same bare, as clients of others send it.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-~][!-~]*")
_LONGEST_KEY = 255
_REFUSALS = (
    AmountNotForSaleError,
    KeyReusedError,
    PackNotForSaleError,
    TooManyOrdersError,
)


class PurchaseInput(StrictInput):
    customer_id = TextField(
        max_length=64, required=False, help_text="Whom a service key buys for."
    )
    pack = CodeField(
        max_length=50, required=False, help_text="The code of a credit pack."
    )
    amount = DecimalTextField(
        required=False, help_text="Or an amount of one's own, in the currency."
    )
    return_url = AddressField(
        max_length=500, required=False, help_text="Where the checkout leads back to."
    )

    def validate_return_url(self, value: str) -> str:
        if not is_return_url(value):
            message = "Only http and https lead back, to this host or RETURN_HOSTS."
            raise ValidationError(message)
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("pack" in attrs) == ("amount" in attrs):
            raise ValidationError({"pack": "Give either pack or amount."})
        return attrs


class PurchaseOutput(serializers.Serializer[object]):
    invoice = serializers.CharField(source="invoice.number")
    status = serializers.CharField(source="invoice.status")
    amount_due = AmountField(source="invoice.amount_due")
    currency = serializers.CharField(source="invoice.currency")
    credits = AmountField()
    bonus_credits = AmountField()
    checkout_url = serializers.CharField(allow_null=True)


_PARAMETERS = [
    OpenApiParameter(
        _HEADER,
        type=str,
        location=OpenApiParameter.HEADER,
        required=True,
        description="A structured string, or the same bare: the order's own key.",
    ),
    OpenApiParameter(
        "Idempotency-Replayed",
        type=str,
        location=OpenApiParameter.HEADER,
        response=[201],
        description="`true` if the order had been made before.",
    ),
]
_PROBLEMS: dict[tuple[int, str], type[ProblemOutput]] = {
    (status, "application/problem+json"): ProblemOutput
    for status in (400, 401, 403, 404, 422, 503)
}


class PurchasesView(APIView):
    """Order a pack or an amount of credits; they come once the invoice is paid.

    The same `Idempotency-Key` is the same order for ever, answered again as it stands.
    """

    permission_classes = [HasScope]
    parser_classes = [ExactJSONParser]
    required_scope = CREDITS_BUY

    @extend_schema(
        operation_id="purchase_credits",
        parameters=_PARAMETERS,
        request=PurchaseInput,
        responses={201: PurchaseOutput} | _PROBLEMS,
    )
    def post(self, request: Request) -> Response:
        key = _read_key(request)
        asked = PurchaseInput(data=request.data)
        asked.is_valid(raise_exception=True)
        customer = get_customer(request, asked.validated_data.get("customer_id"))
        now = timezone.now()
        ordered = _place(customer, asked.validated_data, key, now)
        return _answer(ordered, asked.validated_data.get("return_url"), now)


def _read_key(request: Request) -> str:
    header = request.headers.get(_HEADER, "").strip()
    quoted = _QUOTED.fullmatch(header)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header
    if not key or not (quoted or _BARE.fullmatch(header)) or len(key) > _LONGEST_KEY:
        message = f"Send an {_HEADER} of 1 to {_LONGEST_KEY} printable characters."
        raise ValidationError(message, "idempotency_key")
    return key


def _place(
    customer: Customer, asked: dict[str, Any], key: str, at: datetime
) -> Ordered:
    pack = find_pack(code=asked["pack"]) if "pack" in asked else None
    if "pack" in asked and pack is None:
        raise Unprocessable({"pack": ["No such pack is for sale."]})
    order = Order(pack=pack, amount=asked.get("amount"))
    try:
        return place_order(customer=customer, order=order, key=key, at=at)
    except _REFUSALS as error:
        raise _as_problem(error) from error


def _as_problem(error: Exception) -> APIException:
    if isinstance(error, KeyReusedError):
        message = f"This {_HEADER} was used for another order."
        return Unprocessable(message, "idempotency_key_reused")
    if isinstance(error, PackNotPayableError):
        return Unprocessable({"pack": [str(error)]})
    if isinstance(error, TooManyOrdersError):
        return Unprocessable(str(error), "too_many_orders")
    if isinstance(error, PackNotForSaleError):
        return Unprocessable({"pack": ["This pack is not for sale."]})
    return Unprocessable({"amount": [str(error)]})


def _answer(ordered: Ordered, return_url: str | None, at: datetime) -> Response:
    invoice = ordered.invoice
    pack = invoice.pack
    body = {
        "invoice": invoice,
        "credits": pack.credits if pack else invoice.credits,
        "bonus_credits": pack.bonus_credits if pack else ZERO,
        "checkout_url": _find_checkout(invoice, return_url, at),
    }
    headers = {"Idempotency-Replayed": "true"} if ordered.is_repeat else {}
    return Response(PurchaseOutput(body).data, status=201, headers=headers)


def _find_checkout(
    invoice: Invoice, return_url: str | None, at: datetime
) -> str | None:
    """Return where to pay; nothing if the order was paid for already, or is void."""
    try:
        address = start_checkout(invoice=invoice, leads_to=return_url or "", at=at)
    except NotOpenError:
        return None
    except ProviderError as error:
        raise ProviderUnavailable from error
    # The simulated one's is a path of ours.
    base: str = settings.BASE_URL
    return urljoin(base, address)
