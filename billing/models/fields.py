"""Columns that give back exactly what was put in."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Jsonb

from billing import exact_json


class WrittenDecimalField(models.DecimalField[Decimal, Decimal]):
    """A decimal that keeps the digits it was written with: 1.0 does not become 1."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002
        return "numeric"


class OptionalDecimalField(models.DecimalField[Decimal | None, Decimal | None]):
    """A decimal that may be absent, and keeps the digits it was written with."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002
        return "numeric"


class ExactJSONField(models.JSONField):
    """JSON read with decimals for fractions and written in its canonical text."""

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        return exact_json.decode(value) if isinstance(value, str) else value

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if value is None or hasattr(value, "as_sql"):
            return super().get_db_prep_value(value, connection, prepared)
        return Jsonb(value, dumps=exact_json.encode)
