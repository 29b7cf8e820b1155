"""What is kept of asking a provider, of payments and refunds alike."""

from django.db import models


class AskedAbout(models.Model):
    """Something at a provider that is asked about, less and less often, until it ends.

    Whoever queues the question sets when it may be asked again, so that it is queued
    once.
    """

    asked = models.PositiveIntegerField(default=0, db_default=0)
    ask_again_at = models.DateTimeField(null=True)
    # Why it was asked in vain the last time; it may have been answered since.
    ask_failure = models.CharField(
        max_length=200, blank=True, db_default="", default=""
    )

    class Meta:
        abstract = True
