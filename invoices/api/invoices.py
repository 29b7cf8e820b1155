"""`GET /v1/invoices` and `/v1/invoices/{number}`."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.exact import AmountField
from invoices.api.base import CustomerInput, CustomerView
from invoices.models import Invoice
from invoices.queries import get_invoice, list_invoices


class InvoiceOutput(serializers.ModelSerializer[Invoice]):
    total = AmountField()
    credits_applied = AmountField()
    carried_over = AmountField()
    amount_due = AmountField()
    amount_paid = AmountField()
    amount_refunded = AmountField(help_text="What its credit notes took back.")
    amount_disputed = AmountField(
        help_text="What the bank holds of it, or has taken back."
    )
    pack = serializers.CharField(source="pack.code", default=None)

    class Meta:
        model = Invoice
        fields = [
            "number",
            "kind",
            "status",
            "currency",
            "period_start",
            "period_end",
            "pack",
            "total",
            "credits_applied",
            "carried_over",
            "amount_due",
            "amount_paid",
            "amount_refunded",
            "amount_disputed",
            "finalized_at",
            "paid_at",
        ]


class InvoicesView(CustomerView, ListAPIView[Invoice]):
    """A customer's final invoices, newest first."""

    serializer_class = InvoiceOutput

    def get_queryset(self) -> QuerySet[Invoice]:
        return list_invoices(customer=self.get_customer())

    @extend_schema(operation_id="list_invoices", parameters=[CustomerInput])
    def get(self, request: Request) -> Response:
        return self.list(request)


class InvoiceView(CustomerView):
    """One final invoice."""

    @extend_schema(
        operation_id="get_invoice",
        parameters=[CustomerInput],
        responses={200: InvoiceOutput},
    )
    def get(self, request: Request, number: str) -> Response:  # noqa: ARG002
        invoice = get_invoice(customer=self.get_customer(), number=number)
        return Response(InvoiceOutput(invoice).data)
