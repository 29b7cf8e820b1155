"""The limits that come with a tier. Callers are opaque keys here."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

# In the gate's numbers: see `ratelimits.bucket`.
MOST_TOKENS = 10**11


class RateLimitPolicy(models.Model):
    """A tier's limits on requests and tokens per minute."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    # Dedicated capacity: no limit shared with others applies.
    is_dedicated = models.BooleanField(default=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "rate limit policies"

    def __str__(self) -> str:
        return self.name


class RateLimit(models.Model):
    """Requests (RPM) and tokens (TPM) per minute, for every model or for one."""

    policy = models.ForeignKey(
        RateLimitPolicy, on_delete=models.PROTECT, related_name="limits"
    )
    model = models.CharField(
        max_length=200,
        blank=True,
        help_text="Empty: every model without its own limit.",
    )
    rpm = models.PositiveIntegerField("RPM")
    tpm = models.PositiveBigIntegerField("TPM")
    concurrency = models.PositiveIntegerField(
        "calls at once",
        null=True,
        blank=True,
        help_text="Empty: as many as RPM and TPM let through.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "model"],
                name="ratelimits_ratelimit_one_per_policy_and_model",
            ),
            models.CheckConstraint(
                condition=Q(rpm__gt=0, tpm__gt=0),
                name="ratelimits_ratelimit_limits_positive",
            ),
            models.CheckConstraint(
                condition=Q(concurrency__isnull=True) | Q(concurrency__gt=0),
                name="ratelimits_ratelimit_concurrency_positive",
            ),
            # Beyond it, what is used of a bucket would no longer be counted exactly.
            models.CheckConstraint(
                condition=Q(tpm__lte=MOST_TOKENS),
                name="ratelimits_ratelimit_tpm_countable",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rpm:,} RPM / {self.tpm:,} TPM"
