"""Telling customers of their credits: each notice once, kept until it is sent."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from billing.models import Notice, NoticeKind
from billing.services.mailing import compose

logger = logging.getLogger(__name__)

# Days before credits expire at which their owner is told; each lot is in one window.
EXPIRY_DAYS = (1, 7, 30)
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=6)

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


@transaction.atomic
def send_notice(*, notice_id: int, at: datetime) -> bool:
    """Mail a notice that is to be sent yet; returns whether it was sent just now.

    One that another worker has in hand is left to it. If the mail server does not take
    it, it waits, longer each time. A crash before the commit sends it again under the
    same Message-ID.
    """
    unsent = _list_unsent(notice_id)
    locked = unsent.select_for_update(skip_locked=True, of=("self",))
    notice = locked.select_related("customer__wallet").first()
    if notice is None:
        return False
    try:
        compose(notice).send()
    except (SMTPException, OSError):
        logger.exception("Notice %s was not taken by the mail server", notice.pk)
        _postpone(notice, at)
        return False
    notice.sent_at = at
    notice.save(update_fields=["sent_at"])
    return True


@transaction.atomic
def give_up_notice(*, notice_id: int, at: datetime) -> bool:
    """Send a notice no more; returns whether it was given up just now.

    One that is sent, or was given up before, stays as it is; one that a worker has in
    hand is waited for.
    """
    return bool(_list_unsent(notice_id).update(given_up_at=at))


def _list_unsent(notice_id: int) -> QuerySet[Notice]:
    return Notice.objects.filter(
        pk=notice_id, sent_at__isnull=True, given_up_at__isnull=True
    )


def _postpone(notice: Notice, at: datetime) -> None:
    # No more than doubling this often reaches the longest pause.
    pause = _FIRST_PAUSE * 2 ** min(notice.failures, 10)
    notice.failures += 1
    notice.retry_at = at + min(pause, _LONGEST_PAUSE)
    notice.save(update_fields=["failures", "retry_at"])
