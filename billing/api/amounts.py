"""Amounts as programs send them: decimal strings, never JSON numbers."""

import re
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ledger.money import as_text

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?")


@extend_schema_field({"type": "string", "pattern": f"^{_AMOUNT.pattern}$"})
class DecimalTextField(serializers.Field[Decimal, Any, str, Any]):
    """An amount from 0, written out: "10", "2.50"."""

    default_error_messages = {
        "invalid": 'Write the amount as a decimal string, such as "2.50".'
    }

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not _AMOUNT.fullmatch(data):
            self.fail("invalid")
        return Decimal(data)

    def to_representation(self, value: Any) -> str:
        return as_text(value)
