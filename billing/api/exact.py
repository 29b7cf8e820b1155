"""JSON bodies and their numbers, without a float in between."""

from typing import Any

import msgspec
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from billing import exact_json
from billing.api.problems import PayloadTooLarge, repeated_member
from billing.pricing.quantities import UnratableError, read_quantity
from billing.repeated_members import RepeatedMemberError, check_unrepeated
from ledger.money import as_text

MAX_BYTES = 256 * 1024


class ExactJSONParser(BaseParser):
    """Reads JSON whose fractions become decimals, to the last digit."""

    media_type = "application/json"

    def parse(self, stream: Any, *_args: Any, **_kwargs: Any) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise PayloadTooLarge
        try:
            value = exact_json.decode(body)
            check_unrepeated(body)
        except RepeatedMemberError as error:
            raise repeated_member(error) from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            message = f"The body is not JSON: {error}."
            raise ParseError(message) from error
        return value


class AmountField(serializers.CharField):
    """An exact amount or quantity as a decimal string."""

    def to_representation(self, value: object) -> str:
        return as_text(value)  # type: ignore[arg-type]


class QuantityField(serializers.Field[Any, Any, str, Any]):
    """A number from 0 with up to 12 digits and 18 decimals, or the same as text."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return read_quantity(str(self.field_name), data)
        except UnratableError as error:
            raise serializers.ValidationError(error.detail) from error

    def to_representation(self, value: Any) -> str:
        return str(value)
