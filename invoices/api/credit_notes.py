"""`GET /v1/credit-notes` and `/v1/credit-notes/{number}`."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.exact import AmountField
from invoices.api.base import CustomerInput, CustomerView
from invoices.models import CreditNote
from invoices.queries.refunds import get_credit_note, list_credit_notes


class CreditNoteOutput(serializers.ModelSerializer[CreditNote]):
    invoice = serializers.CharField(source="invoice.number")
    total = AmountField()
    cancels = serializers.SlugRelatedField[CreditNote](
        slug_field="number",
        read_only=True,
        help_text="The credit note that it takes back, as its refund came to nothing.",
    )
    credits = AmountField()
    bonus_credits = AmountField()
    overdrawn_credits = AmountField()

    class Meta:
        model = CreditNote
        fields = [
            "number",
            "invoice",
            "cancels",
            "currency",
            "total",
            "credits",
            "bonus_credits",
            "overdrawn_credits",
            "reason",
            "issued_at",
        ]


class CreditNotesView(CustomerView, ListAPIView[CreditNote]):
    """A customer's credit notes, newest first."""

    serializer_class = CreditNoteOutput

    def get_queryset(self) -> QuerySet[CreditNote]:
        return list_credit_notes(customer=self.get_customer())

    @extend_schema(operation_id="list_credit_notes", parameters=[CustomerInput])
    def get(self, request: Request) -> Response:
        return self.list(request)


class CreditNoteView(CustomerView):
    """One credit note."""

    @extend_schema(
        operation_id="get_credit_note",
        parameters=[CustomerInput],
        responses={200: CreditNoteOutput},
    )
    def get(self, request: Request, number: str) -> Response:  # noqa: ARG002
        note = get_credit_note(customer=self.get_customer(), number=number)
        return Response(CreditNoteOutput(note).data)
