"""Reading auto top-ups, kept cards and payments that wait. Nothing here writes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Q

from billing.models import AlertPurpose, BalanceAlert, Customer
from billing.queries.alerts import list_alerts
from billing.queries.allowances import Standing, get_standing
from invoices.models import AutoTopUp, Payment, PaymentMethod, PaymentStatus, Status
from ledger.money import total


@dataclass(frozen=True, slots=True)
class TopUp:
    """A customer's auto top-up as it stands, and the cards it could charge."""

    customer: Customer
    terms: AutoTopUp | None
    bought: Decimal
    methods: list[PaymentMethod]

    @property
    def is_on(self) -> bool:
        """Whether credits are bought by themselves."""
        return self.terms is not None and self.terms.is_on

    @property
    def waits_until(self) -> datetime | None:
        """Before when nothing is bought, whatever is left, while it is on."""
        return self.terms.retry_at if self.terms and self.terms.is_on else None

    @property
    def pending(self) -> Payment | None:
        """What is being paid for just now."""
        return self.terms.pending if self.terms else None


@dataclass(frozen=True, slots=True)
class CreditSettings:
    """What a customer wants to happen when its credits run low."""

    standing: Standing
    alerts: list[BalanceAlert]
    top_up: TopUp


def get_credit_settings(*, customer: Customer, at: datetime) -> CreditSettings:
    """Return a customer's alerts and its auto top-up, beside what it may spend."""
    return CreditSettings(
        standing=get_standing(customer=customer, at=at),
        alerts=list_alerts(customer=customer),
        top_up=get_top_up(customer=customer, at=at),
    )


def get_top_up(*, customer: Customer, at: datetime) -> TopUp:
    """Return a customer's auto top-up, and what it bought in an instant's month."""
    terms = AutoTopUp.objects.select_related("method", "pending__invoice")
    return TopUp(
        customer=customer,
        terms=terms.filter(customer=customer).first(),
        bought=bought_in_month(customer=customer, at=at),
        methods=list_methods(customer=customer),
    )


def list_methods(*, customer: Customer) -> list[PaymentMethod]:
    """Return the cards that a customer lets us charge, newest first."""
    kept = PaymentMethod.objects.filter(
        customer=customer,
        provider=settings.PAYMENT_PROVIDER,
        removed_at__isnull=True,
    )
    return list(kept.order_by("-pk"))


def find_method(*, customer: Customer, method_id: int) -> PaymentMethod | None:
    """Return one of the cards that a customer lets us charge."""
    methods = list_methods(customer=customer)
    return next((method for method in methods if method.pk == method_id), None)


def bought_in_month(*, customer: Customer, at: datetime) -> Decimal:
    """Return what was charged unattended in the calendar month (UTC) of an instant.

    What is pending counts; what was declined, or paid and sent back, does not.
    """
    month = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    charged = Payment.objects.filter(
        invoice__customer=customer,
        method__isnull=False,
        status__in=(PaymentStatus.PENDING, PaymentStatus.SUCCEEDED),
        started_at__gte=month,
    ).exclude(invoice__status=Status.VOID)
    return total(charged.values_list("amount", flat=True))


def list_customers_to_top_up(*, at: datetime) -> list[int]:
    """Return the customers whose credits are below what their auto top-up watches."""
    crossed = BalanceAlert.objects.filter(
        _has_waited("retry_at", at) & _has_waited("capped_until", at),
        purpose=AlertPurpose.TOP_UP,
        is_armed=False,
        customer__auto_top_up__is_on=True,
        customer__auto_top_up__pending__isnull=True,
    )
    return list(crossed.order_by("customer_id").values_list("customer_id", flat=True))


def _has_waited(field: str, at: datetime) -> Q:
    name = f"customer__auto_top_up__{field}"
    return Q((f"{name}__isnull", True)) | Q((f"{name}__lte", at))


def count_declines(*, method: PaymentMethod) -> tuple[int, datetime | None]:
    """Return how often a card was declined since its last success, and when last."""
    charged = Payment.objects.filter(method=method).order_by("-ended_at", "-pk")
    paid = charged.filter(status=PaymentStatus.SUCCEEDED).first()
    declined = charged.filter(status=PaymentStatus.FAILED)
    if paid and paid.ended_at:
        declined = declined.filter(ended_at__gt=paid.ended_at)
    ends = list(declined.values_list("ended_at", flat=True))
    return len(ends), ends[0] if ends else None
