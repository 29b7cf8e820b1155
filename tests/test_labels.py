"""How states and kinds are written on pages: alike, and as a sentence begins."""

import pytest
from django.db.models import TextChoices

from billing.models.notices import AlertPurpose, NoticeKind
from invoices.models import DisputeStatus, PaymentStatus, RefundKind, RefundStatus
from ledger.models import Book, Kind, Source

CHOICES = [
    *(AlertPurpose, NoticeKind),
    *(DisputeStatus, PaymentStatus, RefundKind, RefundStatus),
    *(Book, Kind, Source),
]


@pytest.mark.parametrize("choices", CHOICES)
def test_only_the_first_letter_is_a_capital(choices: type[TextChoices]) -> None:
    assert choices.labels == [str(label).capitalize() for label in choices.labels]
