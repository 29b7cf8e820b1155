"""What payment providers told us, and whether it was acted on."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from invoices.triggers import HANDLED_ONCE


class ProviderEvent(models.Model):
    """A payment provider's webhook as it was posted, stored before it is acted on.

    History, but for one column that is set once: when it was acted on.
    """

    provider = models.CharField(max_length=32)
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=100)
    payload = models.JSONField()
    recorded_at = models.DateTimeField(db_default=Now())
    # Empty while it is refused, or was cut off.
    handled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id"],
                name="invoices_providerevent_once_per_provider",
            ),
        ]
        indexes = [
            # Read by the sweep that acts on them again.
            models.Index(
                fields=["recorded_at"],
                condition=Q(handled_at__isnull=True),
                name="invoices_event_unhandled",
            ),
        ]
        triggers = [HANDLED_ONCE]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class EventRetry(models.Model):
    """How often an event that stayed unhandled was acted on again, and why in vain."""

    event = models.OneToOneField(
        ProviderEvent, on_delete=models.PROTECT, related_name="retry"
    )
    tries = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField()
    failure = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"retry of {self.event}"
