"""The task queue. Its schedule is code: no form can stop billing."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

app = Celery("tollgate")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "close silent streams": {"task": "billing.tasks.cut_streams", "schedule": 30},
    "retry quarantined events": {
        "task": "billing.tasks.retry_quarantined",
        "schedule": crontab(minute="*/5"),
    },
    "resume backtests": {
        "task": "billing.tasks.sweep_backtests",
        "schedule": crontab(minute="*/5"),
    },
    "expire credits": {
        "task": "ledger.tasks.sweep_expired_lots",
        "schedule": crontab(minute="*/5"),
    },
    "review alerts": {
        "task": "billing.tasks.review_alerts",
        "schedule": crontab(minute="*/5"),
    },
    "note credits that expire": {
        "task": "billing.tasks.note_expiring_credits",
        "schedule": crontab(minute=10),
    },
    "forget holds that have ended": {
        "task": "billing.tasks.forget_holds",
        "schedule": crontab(minute=50),
    },
    "send notices": {"task": "billing.tasks.send_notices", "schedule": 15},
    "add up refusals": {"task": "billing.tasks.roll_up_refusals", "schedule": 10},
    "top up credits": {"task": "invoices.tasks.run_top_ups", "schedule": 10},
    "ask about silent payments": {
        "task": "invoices.tasks.sweep_payments",
        "schedule": 10,
    },
    "void orders that nobody paid": {
        "task": "invoices.tasks.sweep_orders",
        "schedule": crontab(minute=40),
    },
    "draft and finalize invoices": {
        "task": "invoices.tasks.run_invoices",
        "schedule": crontab(minute="*/10"),
    },
    "act on events again": {
        "task": "invoices.tasks.sweep_events",
        "schedule": crontab(),
    },
    "see refunds through": {
        "task": "invoices.tasks.sweep_refunds",
        "schedule": crontab(),
    },
    "create partitions": {
        "task": "config.tasks.create_partitions",
        "schedule": crontab(hour=1, minute=0),
    },
}
