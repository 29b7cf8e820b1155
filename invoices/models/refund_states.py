"""Why money goes back, and how far it got."""

from django.db import models


class RefundKind(models.TextChoices):
    """Why money goes back."""

    UNUSED = "unused", "Unused credits"
    # It was made in the provider's own pages, and we were told.
    PROVIDER = "provider", "Made at the provider"
    # An invoice that was paid twice, or that was void when it was paid.
    EXCESS = "excess", "Paid without being owed"


class RefundStatus(models.TextChoices):
    """How far a refund got. Credits move at `withdrawn`, money at `sent`."""

    REQUESTED = "requested", "Waits for approval"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
