"""Telling customers of their credits: each notice once, kept until it is sent."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from billing.backoff import pause_after
from billing.models import Notice, NoticeKind
from billing.services.mailing import compose

logger = logging.getLogger(__name__)

# Days before credits expire at which their owner is told; each lot is in one window.
EXPIRY_DAYS = (1, 7, 30)
# The rest has its turn with the next look: a slow mail server must not fill the queue.
BATCH = 500
# For how long a notice is its job's alone; longer than a mail server may take.
_LEASE = timedelta(minutes=10)
_FIRST_PAUSE = timedelta(minutes=1)

# Only what is not noted yet, or each run would burn a number for each lot.
_NOTE_EXPIRING = """
    INSERT INTO billing_notice (customer_id, kind, reference, facts)
    SELECT customer_id, %(kind)s, reference, facts FROM (
        SELECT customer.id AS customer_id,
            format('lot:%%s:%%s', lot.id, days) AS reference,
            jsonb_build_object(
                'days', days, 'credits', trim_scale(lot.remaining)::text,
                'expires_at', lot.expires_at
            ) AS facts
        FROM ledger_creditlot AS lot
        JOIN billing_customer AS customer ON customer.wallet_id = lot.wallet_id
        CROSS JOIN LATERAL (
            SELECT min(days) AS days FROM unnest(%(days)s::integer[]) AS days
            WHERE lot.expires_at <= %(at)s + make_interval(days => days)
        ) AS nearest
        WHERE lot.remaining > 0 AND lot.expires_at > %(at)s
            AND lot.expires_at <= %(last)s
    ) AS expiring
    WHERE NOT EXISTS (
        SELECT FROM billing_notice AS noted
        WHERE noted.customer_id = expiring.customer_id AND noted.kind = %(kind)s
            AND noted.reference = expiring.reference
    )
    ON CONFLICT DO NOTHING
"""


@transaction.atomic
def write_notice(
    *, customer_id: int, kind: NoticeKind, reference: str, facts: Mapping[str, object]
) -> None:
    """Write down what a customer is to be told; the same cause is told once."""
    notice = Notice(
        customer_id=customer_id, kind=kind, reference=reference, facts=dict(facts)
    )
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


@transaction.atomic
def note_expiring(*, at: datetime) -> int:
    """Write a notice for each lot that expires within 30, 7 or 1 days, once for each.

    Only of the nearest: who was not told at 30 days is told at 7 alone. Returns how
    many notices were written.
    """
    values: dict[str, Any] = {
        "kind": NoticeKind.EXPIRY,
        "days": list(EXPIRY_DAYS),
        "at": at,
        "last": at + timedelta(days=max(EXPIRY_DAYS)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_EXPIRING, values)
        return int(cursor.rowcount)


@dataclass(frozen=True, slots=True)
class Lease:
    """Notices that are one try's to send, until an instant."""

    notice_ids: list[int]
    until: datetime


@transaction.atomic
def lease_notices(*, at: datetime) -> Lease:
    """Take the first notices that are to be sent in hand, for ten minutes.

    Whoever asks meanwhile gets others. Those that were not tried by then, because their
    job was lost, are leased anew.
    """
    due = Q(retry_at__isnull=True) | Q(retry_at__lte=at)
    unsent = _unsent().filter(due)
    locked = unsent.order_by("pk").select_for_update(skip_locked=True)
    notice_ids = list(locked.values_list("pk", flat=True)[:BATCH])
    until = at + _LEASE
    Notice.objects.filter(pk__in=notice_ids).update(retry_at=until)
    return Lease(notice_ids, until)


def send_notice(*, notice_id: int, leased_until: datetime, at: datetime) -> bool:
    """Mail a notice that is leased to this try; returns whether it was sent just now.

    One that is sent, given up, or leased to another try, is left alone. The mail is
    sent outside of any transaction: the server may take its time. If it does not take
    the mail, the notice waits, longer each time; after any other error, or a crash,
    until the lease is over. It then comes again under the same Message-ID.
    """
    notice = _claim(notice_id, leased_until, at)
    if notice is None:
        return False
    try:
        compose(notice).send()
    except (SMTPException, OSError):
        logger.exception("Notice %s was not taken by the mail server", notice.pk)
        own = Notice.objects.filter(pk=notice.pk, retry_at=notice.retry_at)
        own.update(retry_at=at + pause_after(notice.failures, first=_FIRST_PAUSE))
        return False
    sent = Notice.objects.filter(pk=notice.pk)
    sent.update(sent_at=at, failures=F("failures") - 1)
    return True


@transaction.atomic
def give_up_notice(*, notice_id: int, at: datetime) -> bool:
    """Send a notice no more; returns whether it was given up just now.

    One that is sent, or was given up before, stays as it is.
    """
    return bool(_unsent().filter(pk=notice_id).update(given_up_at=at))


def _unsent() -> QuerySet[Notice]:
    return Notice.objects.filter(sent_at__isnull=True, given_up_at__isnull=True)


def _claim(notice_id: int, leased_until: datetime, at: datetime) -> Notice | None:
    """Begin a try, which counts as failed until it has succeeded: it may be killed."""
    leased = _unsent().filter(pk=notice_id, retry_at=leased_until)
    # No job is queued twice for one instant, so this makes the lease nobody else's.
    claimed_until = max(at, leased_until) + _LEASE
    if not leased.update(retry_at=claimed_until, failures=F("failures") + 1):
        return None
    notices = Notice.objects.select_related("customer__wallet")
    notice = notices.get(pk=notice_id)
    notice.retry_at = claimed_until
    return notice
