"""State for tests, built through the services that production uses."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from billing.models import (
    ApiKey,
    CreditPack,
    Customer,
    Plan,
    RateCard,
    RateCardVersion,
    Terms,
    User,
)
from billing.models.customers import Role
from billing.models.plans import AtZero, Mode
from billing.pricing.yaml_form import parse_card
from billing.services import periods
from billing.services.corrections import (
    Corrected,
    Note,
    Replacement,
    amend_event,
    void_event,
)
from billing.services.customers import (
    EVENTS_WRITE,
    USAGE_READ,
    add_member,
    create_customer,
    issue_api_key,
)
from billing.services.events import Outcome, PostedEvent, StreamPart
from billing.services.metering import record_events
from billing.services.rate_cards import create_rate_card, draft_version, publish_version
from billing.services.terms import agree_terms
from ledger.models import CreditLot, Source, Wallet
from ledger.posting import Cause, lock_wallets, write_entries
from ledger.services import Grant, grant_credits, open_wallet
from ratelimits.models import RateLimit, RateLimitPolicy
from tests.billing.pricing.examples import SEED

PASSWORD = "correct horse battery"  # noqa: S105
SEED_CARD = SEED
NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)

Parts = list[tuple[int | None, Any]]

_number = count(1)


def unique() -> int:
    """Return a number that no other call returned."""
    return next(_number)


def row(*values: object) -> tuple[Any, ...]:
    """Return values to be compared with literals, which need not be decimals."""
    return values


def rate_card(text: str = SEED_CARD, *, code: str = "") -> RateCard:
    """Make a card in force since long before any test's events."""
    code = code or f"card-{next(_number)}"
    card = create_rate_card(code=code, name=code.title(), currency="USD")
    published_version(card, text, effective_from=NOW - timedelta(days=400))
    return card


def published_version(
    card: RateCard, text: str, *, effective_from: datetime
) -> RateCardVersion:
    """Publish prices, as of the moment they take effect."""
    version = draft_version(rate_card=card, card=parse_card(text))
    return publish_version(
        version=version, effective_from=effective_from, by="test", at=effective_from
    )


def terms(
    customer: Customer,
    *,
    discount: str = "0",
    card: RateCard | None = None,
    by_model: dict[str, str] | None = None,
    effective_from: datetime | None = None,
) -> Terms:
    """Agree on a customer's own prices, in force since long before any event."""
    since = effective_from or NOW - timedelta(days=400)
    percents = {name: Decimal(text) for name, text in (by_model or {}).items()}
    return agree_terms(
        customer=customer,
        effective_from=since,
        rate_card=card,
        discount_percent=Decimal(discount),
        model_discounts=percents,
        reason="enterprise",
        by="ada",
        at=since,
    )


def policy(*, rpm: int = 60, tpm: int = 100_000) -> RateLimitPolicy:
    """Make a tier with one limit for every model."""
    code = f"tier-{next(_number)}"
    made = RateLimitPolicy.objects.create(code=code, name=code.title())
    RateLimit.objects.create(policy=made, rpm=rpm, tpm=tpm)
    return made


def plan(
    *,
    card: RateCard | None = None,
    mode: Mode = Mode.PREPAID,
    monthly_fee: str = "0",
    at_zero: AtZero = AtZero.BLOCK,
    waives_failed_calls: bool = True,
) -> Plan:
    """Make a plan on the seed's card, prepaid and without a fee."""
    code = f"plan-{next(_number)}"
    return Plan.objects.create(
        code=code,
        name=code.title(),
        monthly_fee=Decimal(monthly_fee),
        rate_card=card or rate_card(),
        rate_limit_policy=policy(),
        mode=mode,
        at_zero=at_zero,
        waives_failed_calls=waives_failed_calls,
    )


def customer(
    *,
    external_id: str = "cus_abc123",
    plan: Plan | None = None,
    credits: str = "0",
    credit_limit: str = "0",
    time_zone: str = "UTC",
) -> Customer:
    """Make a customer, with that many paid credits if any."""
    made = create_customer(
        external_id=external_id,
        name="Example Labs",
        email="billing@example.com",
        plan=plan or globals()["plan"](),
        time_zone=time_zone,
        credit_limit=Decimal(credit_limit),
    )
    if Decimal(credits):
        lot(made.wallet, credits)
    return made


def wallet(*, credit_limit: str = "0") -> Wallet:
    """Make an empty wallet in US dollars."""
    return open_wallet(currency="USD", credit_limit=Decimal(credit_limit))


def lot(
    wallet: Wallet,
    amount: str,
    *,
    source: Source = Source.PURCHASE,
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int = 0,
) -> CreditLot:
    """Grant credits that started a year ago, unless told otherwise."""
    grant = Grant(
        source=source,
        amount=Decimal(amount),
        price_paid=Decimal(amount) if source == Source.PURCHASE else Decimal(0),
        reference=f"grant:{next(_number)}",
        starts_at=starts_at or NOW - timedelta(days=365),
        expires_at=expires_at,
        priority=priority,
    )
    return grant_credits(
        wallet_id=wallet.pk, grant=grant, actor="test", occurred_at=NOW
    )


def spend(wallet: Wallet, amount: str, *, at: datetime = NOW) -> Parts:
    """Debit a wallet as metering does; returns lot ids and parts."""
    why = Cause(cause=f"event:{next(_number)}", actor="test", occurred_at=at)
    with transaction.atomic():
        locked = lock_wallets([wallet.pk])[wallet.pk]
        parts = locked.spend(Decimal(amount), why)
        write_entries([locked])
    return parts


def record(*events: PostedEvent, at: datetime = NOW) -> list[Outcome]:
    """Record a batch of events received at that instant."""
    return record_events(events=events, received_at=at)


def close_period(until: datetime, *, customer: Customer | None = None) -> None:
    """Close a customer's periods, or those of the only customer there is."""
    periods.close_period(customer=customer or Customer.objects.get(), until=until)


def event(
    key: str = "req_1",
    *,
    customer: str = "cus_abc123",
    occurred_at: datetime = NOW,
    stream: StreamPart | None = None,
    api_key: str | None = None,
    **properties: Any,
) -> PostedEvent:
    """Make the seed's event, which costs 0.014232 on the seed's card."""
    seed = {
        "model": "text-gen-v3",
        "input_tokens": 412,
        "output_tokens": 1083,
        "request_type": "completion",
        "latency_ms": 2847,
    }
    return PostedEvent(
        customer=customer,
        idempotency_key=key,
        event_name="llm_inference",
        occurred_at=occurred_at,
        properties=seed | properties,
        stream=stream,
        api_key=api_key,
    )


def void(customer: Customer, key: str = "req_1", *, at: datetime = NOW) -> Corrected:
    """Take an event back."""
    note = Note(reason="posted twice", actor="ada", at=at)
    return void_event(customer=customer, key=key, note=note)


def amend(
    customer: Customer,
    key: str = "req_1",
    *,
    by: str = "req_1b",
    at: datetime = NOW,
    **properties: Any,
) -> Corrected:
    """Put an event like the seed's, but for some properties, in another's place."""
    instead = Replacement(key=by, properties=event(**properties).properties)
    note = Note(reason="miscounted", actor="ada", at=at)
    return amend_event(customer=customer, key=key, replacement=instead, note=note)


def service_key() -> str:
    """Make a gateway's key; returns the secret."""
    return issue_api_key(name="gateway", scopes=[EVENTS_WRITE, USAGE_READ]).secret


def customer_key(customer: Customer) -> str:
    """Make a customer's own key; returns the secret."""
    scopes = [EVENTS_WRITE, USAGE_READ]
    return issue_api_key(name="app", scopes=scopes, customer=customer).secret


def key_of(secret: str) -> ApiKey:
    """Return the stored key that a secret belongs to."""
    return ApiKey.objects.get(prefix=secret.partition(".")[0])


def member(customer: Customer, *, email: str = "ada@example.com") -> User:
    """Make a person who owns a customer's account."""
    user = User.objects.create_user(username=email, email=email, password=PASSWORD)
    add_member(customer=customer, user=user, role=Role.OWNER)
    return user


def pack(
    *,
    price: str = "50",
    credits: str = "",
    bonus: str = "0",
    days: int | None = 365,
) -> CreditPack:
    """Make a credit pack, of as many credits as it costs unless told otherwise."""
    return CreditPack.objects.create(
        code=f"pack-{next(_number)}",
        name=f"${price} pack",
        price=Decimal(price),
        credits=Decimal(credits or price),
        bonus_credits=Decimal(bonus),
        validity_days=days,
    )
