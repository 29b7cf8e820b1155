"""Rules that hold for every model, table and migration of the project."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

from config.privileges import ROLE
from ledger.append_only import AppendOnly

ROOT = Path(__file__).resolve().parents[1]
APPS = ("ledger", "ratelimits", "billing", "invoices")
APPEND_ONLY = {
    "billing.Charge",
    "billing.Correction",
    "billing.IdempotencyClaim",
    "billing.StreamChunk",
    "billing.Terms",
    "billing.TrueUp",
    "billing.UsageEvent",
    "invoices.CreditNote",
    "ledger.Entry",
}
MUTABLE = {
    "billing.ApiKey",
    "billing.Backtest",
    "billing.BacktestChunk",
    "billing.BacktestGap",
    "billing.BacktestLine",
    "billing.BalanceAlert",
    "billing.CallHold",
    "billing.CreditPack",
    "billing.Customer",
    "billing.FundingRollup",
    "billing.GateLease",
    "billing.KeyRollup",
    "billing.Membership",
    "billing.Notice",
    "billing.Plan",
    "billing.QuarantinedEvent",
    "billing.RateCard",
    "billing.RefusalCursor",
    "billing.RefusalRollup",
    "billing.SpendCap",
    "billing.Stream",
    "billing.UsageRollup",
    "billing.User",
    "invoices.AutoTopUp",
    "invoices.Dispute",
    "invoices.EventRetry",
    "invoices.NumberSeries",
    "invoices.Payment",
    "invoices.PaymentMethod",
    "invoices.Refund",
    "invoices.SimulatedPayment",
    "invoices.SimulatedRefund",
    "ratelimits.RateLimit",
    "ratelimits.RateLimitPolicy",
    # Moved by entries alone.
    "ledger.CreditLot",
    "ledger.Wallet",
    # Frozen by a trigger once published.
    "billing.ContextBand",
    "billing.Rate",
    "billing.RateCardVersion",
    "billing.RateTier",
    # Frozen by a trigger, but for when it was acted on, which is said once.
    "invoices.ProviderEvent",
    # Frozen by a trigger once final.
    "invoices.AppliedCredit",
    "invoices.Invoice",
    "invoices.InvoiceLine",
}
MODELS = [model for app in APPS for model in apps.get_app_config(app).get_models()]

_GRANTED = """
WITH tables AS (
    SELECT %(table)s::regclass AS relation
    UNION SELECT relid FROM pg_partition_tree(%(table)s)
)
SELECT relation::text, privilege
FROM tables, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
WHERE has_table_privilege(%(role)s, relation, privilege)
    OR privilege = 'UPDATE' AND has_any_column_privilege(%(role)s, relation, 'UPDATE')
"""
# 27 is a row's trigger (1), before (2) its deletion (8) and its update (16).
_UNGUARDED = """
WITH tables AS (
    SELECT %(table)s::regclass AS relation
    UNION SELECT relid FROM pg_partition_tree(%(table)s)
)
SELECT relation::text FROM tables WHERE NOT EXISTS (
    SELECT FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
    WHERE tgrelid = relation AND tgtype & 27 = 27 AND tgqual IS NULL
        AND tgenabled IN ('A', 'O') AND prosrc LIKE '%%RAISE EXCEPTION%%'
)
"""
_OWNED = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace
    AND pg_has_role(%(role)s, relowner, 'MEMBER')
"""

every_history_table = pytest.mark.parametrize("label", sorted(APPEND_ONLY))


def test_every_model_is_listed_as_mutable_or_append_only() -> None:
    assert {model._meta.label for model in MODELS} == MUTABLE | APPEND_ONLY
    assert not MUTABLE & APPEND_ONLY


def test_append_only_models_say_so() -> None:
    marked = {model._meta.label for model in MODELS if issubclass(model, AppendOnly)}

    assert marked == APPEND_ONLY


@pytest.mark.django_db
@every_history_table
def test_the_application_may_not_change_history(label: str) -> None:
    assert _rows(_GRANTED, table=_table(label), role=ROLE) == []


@pytest.mark.django_db
@every_history_table
def test_a_trigger_refuses_to_change_history(label: str) -> None:
    assert _rows(_UNGUARDED, table=_table(label)) == []


@pytest.mark.django_db
def test_the_application_owns_no_table() -> None:
    assert _rows(_OWNED, role=ROLE) == []


def test_every_foreign_key_is_protected() -> None:
    keys = [field for field in _fields() if isinstance(field, models.ForeignKey)]
    loose = [key for key in keys if key.remote_field.on_delete is not models.PROTECT]

    assert keys
    assert loose == []


def test_no_column_is_a_float() -> None:
    assert [field for field in _fields() if isinstance(field, models.FloatField)] == []


def test_models_override_neither_save_nor_clean() -> None:
    bases = {base for model in MODELS for base in model.__mro__}
    ours = [base for base in bases if base.__module__.startswith(APPS)]

    assert [base for base in ours if {"save", "clean"} & vars(base).keys()] == []


def test_models_have_no_default_order() -> None:
    assert [model for model in MODELS if model._meta.ordering] == []


@pytest.mark.django_db
def test_migrations_agree_with_the_models() -> None:
    output = StringIO()

    call_command("makemigrations", dry_run=True, stdout=output)

    assert output.getvalue() == "No changes detected\n"


def test_migrations_are_named() -> None:
    files = [path for app in APPS for path in (ROOT / app).glob("migrations/0*.py")]

    assert files
    assert [path.name for path in files if "_auto_" in path.name] == []


def _rows(sql: str, **parameters: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _table(label: str) -> str:
    return str(apps.get_model(label)._meta.db_table)


def _fields() -> Iterator[object]:
    return (field for model in MODELS for field in model._meta.local_fields)
