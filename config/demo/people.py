"""Who is in the demo, and what they agreed to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.db import transaction

from billing.models import Customer, Plan, RateCard, User
from billing.models.customers import Role
from billing.models.plans import AtZero, Mode
from billing.pricing.yaml_form import parse_card
from billing.services.customers import (
    SCOPES,
    add_member,
    create_customer,
    issue_api_key,
)
from billing.services.rate_cards import create_rate_card, draft_version, publish_version
from config.demo.credits import give_all_credits
from config.demo.traffic import AGENTS, CHAT, DATA, SOLO
from ratelimits.models import RateLimit, RateLimitPolicy

# For the last model on the card.
_UNSTREAMED = """\
  - dimension: input_tokens
    unit: 1000000 tokens
    price_usd: 1.5
    when:
      request_type: whole
"""
PASSWORD = "tollgate demo"  # noqa: S105 - printed for all to see.
ACTOR = "demo"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer's person, and the plan and time zone of that customer."""

    customer_id: str
    company: str
    name: str
    email: str
    plan: str
    time_zone: str


PEOPLE = (
    Person(
        CHAT,
        "Northwind Chat",
        "Grace Hopper",
        "grace@northwind.example",
        "paid",
        "America/New_York",
    ),
    Person(
        AGENTS,
        "Fabrikam Agents",
        "Katherine Johnson",
        "katherine@fabrikam.example",
        "enterprise",
        "Europe/Berlin",
    ),
    Person(
        SOLO,
        "Ada Lovelace",
        "Ada Lovelace",
        "ada@lovelace.example",
        "free",
        "Europe/London",
    ),
)
# What each plan lets its customers do without credits, in words.
PLANS = {
    "free": "Free, calls blocked at zero",
    "paid": "Paid, calls warned of at zero",
    "enterprise": "Enterprise, billed by the month up to a credit limit",
}
OPERATOR = "operator@tollgate.example"
# Who approves what the other one refunds.
APPROVER = "finance@tollgate.example"


def is_populated() -> bool:
    """Tell whether the demo's people are there already."""
    return Customer.objects.filter(external_id=CHAT).exists()


@transaction.atomic
def populate(*, start: datetime, now: datetime) -> None:
    """Make operators, plans, packs and customers, as if they began at `start`."""
    users = get_user_model().objects
    for email in (OPERATOR, APPROVER):
        users.create_superuser(username=email, email=email, password=PASSWORD)
    plans = _make_plans(_publish_prices(start, now))
    for person in PEOPLE:
        _make_customer(person, plans[person.plan])
    give_all_credits(start=start)


def issue_gateway_key() -> str:
    """Make a gateway's key for this run; returns its secret."""
    return issue_api_key(name="demo gateway", scopes=SCOPES).secret


def _publish_prices(start: datetime, now: datetime) -> RateCard:
    card = create_rate_card(code="standard", name="Standard prices", currency="USD")
    text = (DATA / "prices.yaml").read_text(encoding="utf-8")
    version = draft_version(rate_card=card, card=parse_card(text))
    publish_version(version=version, effective_from=start, by=ACTOR, at=now)
    # Left for the operator to look at: what it changes, and what it would have cost.
    draft_version(rate_card=card, card=parse_card(_next_prices(text)))
    return card


def _next_prices(text: str) -> str:
    """Return prices with a dearer output of one model, and a cheaper kind of call."""
    return text.replace("price_usd: 0.012", "price_usd: 0.0135") + _UNSTREAMED


def _make_plans(card: RateCard) -> dict[str, Plan]:
    free = _make_policy("free", rpm=60, tpm=100_000)
    paid = _make_policy("paid", rpm=600, tpm=1_000_000)
    dedicated = RateLimitPolicy.objects.create(
        code="enterprise", name="Enterprise", is_dedicated=True
    )
    return {
        "free": Plan.objects.create(
            code="free", name="Free", rate_card=card, rate_limit_policy=free
        ),
        "paid": Plan.objects.create(
            code="paid",
            name="Paid",
            monthly_fee=Decimal(100),
            rate_card=card,
            rate_limit_policy=paid,
            at_zero=AtZero.WARN,
        ),
        "enterprise": Plan.objects.create(
            code="enterprise",
            name="Enterprise",
            rate_card=card,
            rate_limit_policy=dedicated,
            mode=Mode.POSTPAID,
            at_zero=AtZero.OVERAGE,
        ),
    }


def _make_policy(code: str, *, rpm: int, tpm: int) -> RateLimitPolicy:
    policy = RateLimitPolicy.objects.create(code=code, name=code.title())
    RateLimit.objects.create(policy=policy, rpm=rpm, tpm=tpm)
    return policy


def _make_customer(person: Person, plan: Plan) -> None:
    customer = create_customer(
        external_id=person.customer_id,
        name=person.company,
        email=person.email,
        plan=plan,
        time_zone=person.time_zone,
        credit_limit=Decimal(20_000 if plan.mode == Mode.POSTPAID else 0),
    )
    first_name, last_name = person.name.split()
    user = User.objects.create_user(
        username=person.email,
        email=person.email,
        password=PASSWORD,
        first_name=first_name,
        last_name=last_name,
    )
    add_member(customer=customer, user=user, role=Role.OWNER)
