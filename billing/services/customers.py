"""Customers, the people who act for them, and their API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils.crypto import get_random_string
from rest_framework_api_key.crypto import KeyGenerator

from billing.models import ApiKey, Customer, Membership, Plan, User
from billing.models.customers import Role
from ledger.money import ZERO
from ledger.services import open_wallet

KEYS = KeyGenerator(prefix_length=8, secret_key_length=40)
EVENTS_WRITE = "events:write"
USAGE_READ = "usage:read"
EVENTS_CORRECT = "events:correct"
CREDITS_BUY = "credits:buy"
CALLS_MAKE = "calls:make"
CAPS_WRITE = "caps:write"
SCOPES = (
    EVENTS_WRITE,
    USAGE_READ,
    EVENTS_CORRECT,
    CREDITS_BUY,
    CALLS_MAKE,
    CAPS_WRITE,
)
# A customer must never take its own usage back.
SERVICE_SCOPES = frozenset({EVENTS_CORRECT})
# How exactly the last use is known: writing it on every call would cost a row lock.
_USE_PRECISION = timedelta(minutes=1)


class UnknownTimeZoneError(ValueError):
    """No time zone has this name, so no day or month can begin in it."""


@transaction.atomic
def create_customer(
    *,
    name: str,
    email: str,
    plan: Plan,
    external_id: str = "",
    time_zone: str = "UTC",
    credit_limit: Decimal = ZERO,
) -> Customer:
    """Make a customer with an empty wallet in the plan's currency.

    Without an external id, one such as `cus_4fGh…` is made up.

    :raises UnknownTimeZoneError: if the time zone is not one of IANA's.
    """
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UnknownTimeZoneError(time_zone) from error
    wallet = open_wallet(currency=plan.currency, credit_limit=credit_limit)
    return Customer.objects.create(
        external_id=external_id or f"cus_{get_random_string(16)}",
        name=name,
        email=email,
        plan=plan,
        wallet=wallet,
        time_zone=time_zone,
    )


@transaction.atomic
def add_member(*, customer: Customer, user: User, role: Role) -> Membership:
    """Let a person act for a customer; adding them again changes their role."""
    membership, _ = Membership.objects.update_or_create(
        customer=customer, user=user, defaults={"role": role}
    )
    return membership


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its secret, which is shown once and never stored."""

    key: ApiKey
    secret: str


class ServiceScopeError(Exception):
    """A customer's own key was to have a scope that only service keys may have."""


@transaction.atomic
def issue_api_key(
    *,
    name: str,
    scopes: Sequence[str],
    customer: Customer | None = None,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Make an API key; without a customer it may act for all of them.

    :raises ServiceScopeError: if a customer's key is to have a service key's scope.
    """
    if customer and SERVICE_SCOPES.intersection(scopes):
        raise ServiceScopeError(*sorted(SERVICE_SCOPES.intersection(scopes)))
    prefix = f"tg_{KEYS.get_prefix()}"
    secret = f"{prefix}.{KEYS.get_secret_key()}"
    key = ApiKey.objects.create(
        prefix=prefix,
        hashed_key=KEYS.hash(secret),
        name=name,
        customer=customer,
        scopes=list(scopes),
        expires_at=expires_at,
    )
    return IssuedKey(key, secret)


@transaction.atomic
def revoke_api_key(*, key: ApiKey, at: datetime) -> None:
    """Refuse a key from now on, for ever."""
    ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=at)


class UnknownKeyError(Exception):
    """No usable key has this secret."""


@transaction.atomic
def authenticate_key(*, secret: str, at: datetime) -> ApiKey:
    """Return the key that a secret belongs to, and note that it was used.

    :raises UnknownKeyError: if it is unknown, revoked or expired.
    """
    prefix = secret.partition(".")[0]
    key = ApiKey.objects.select_related("customer").filter(prefix=prefix).first()
    if key is None or not KEYS.verify(secret, key.hashed_key) or not key.is_usable(at):
        raise UnknownKeyError(prefix)
    if key.last_used_at is None or key.last_used_at < at - _USE_PRECISION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
    return key
