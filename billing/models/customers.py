"""Who uses the API: customers, the people who act for them, and their keys."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.fields import OptionalDecimalField
from billing.models.plans import Plan
from ledger.models import Wallet
from ledger.money import MAX_DIGITS, SCALE


class User(AbstractUser):
    """A person who signs in: staff to the admin, customers' people to the portal."""

    def __str__(self) -> str:
        return self.email or self.username


class Customer(models.Model):
    """A company or person that is billed for its usage."""

    external_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    email = models.EmailField()
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="customers")
    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT)
    time_zone = models.CharField(max_length=64, default="UTC")
    # Usage that happened before this instant has been invoiced. What arrives later
    # for that time is billed in the period that is open.
    closed_until = models.DateTimeField(null=True, blank=True, editable=False)
    # The highest threshold of its alerts that are armed: below it, metering looks.
    watch_below = OptionalDecimalField(
        max_digits=MAX_DIGITS, decimal_places=SCALE, null=True, editable=False
    )
    members = models.ManyToManyField(User, through="Membership")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(external_id__regex=r"^[A-Za-z0-9_.:-]{1,64}$"),
                name="billing_customer_external_id_is_printable",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="closed_periods_stay_closed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.closed_until < OLD.closed_until"
                    " OR NEW.closed_until IS NULL AND OLD.closed_until IS NOT NULL"
                ),
            ),
            # A fee in another currency would be billed as so many of the wallet's.
            pgtrigger.Trigger(
                name="plan_is_in_the_wallets_currency",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("plan_id", "wallet_id"),  # type: ignore[no-untyped-call]
                func="""
                    IF (SELECT currency FROM billing_plan WHERE id = NEW.plan_id) <>
                        (SELECT currency FROM ledger_wallet WHERE id = NEW.wallet_id)
                    THEN
                        RAISE EXCEPTION 'the plan is in another currency'
                        USING ERRCODE = 'check_violation',
                            CONSTRAINT = 'billing_customer_plan_in_wallets_currency';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.external_id})"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days and billing periods begin."""
        return ZoneInfo(self.time_zone)


class Role(models.TextChoices):
    """What a member may do for a customer."""

    OWNER = "owner"
    BILLING = "billing"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Membership(models.Model):
    """A person acting for a customer."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    user = models.ForeignKey(User, on_delete=models.PROTECT)
    role = models.CharField(max_length=16, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "user"],
                name="billing_membership_one_per_customer_and_user",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.customer}"


class ApiKey(models.Model):
    """A secret that a program signs in with; only its hash is kept.

    Without a customer it is a service key: a gateway that may post for any customer.
    """

    prefix = models.CharField(max_length=16, unique=True, editable=False)
    hashed_key = models.CharField(max_length=150, editable=False)
    name = models.CharField(max_length=100)
    customer = models.ForeignKey(
        Customer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="api_keys",
    )
    scopes = ArrayField(models.CharField(max_length=32), default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "API key"
        triggers = [
            # Its usage is counted to it, and its caps bind its customer's calls.
            pgtrigger.Protect(
                name="keys_keep_their_customer",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.customer_id IS DISTINCT FROM OLD.customer_id"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_usable(self, at: datetime) -> bool:
        """Tell whether the key was neither revoked nor expired at an instant."""
        is_current = self.expires_at is None or at < self.expires_at
        return is_current and self.revoked_at is None

    @property
    def is_service_key(self) -> bool:
        """Whether the key may act for any customer."""
        return self.customer_id is None
