"""Fields of exactly one JSON type: nothing is guessed where money is spent."""

from typing import Any

from rest_framework import serializers


class JSONBooleanField(serializers.BooleanField):
    """`true` or `false`; no "yes", no 1."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class JSONIntegerField(serializers.IntegerField):
    """A whole number; no "3", no 3.0, no `true`."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class TextField(serializers.CharField):
    """A text; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class CodeField(TextField, serializers.SlugField):
    """The code of something, as a text."""


class AddressField(TextField, serializers.URLField):
    """An address, as a text."""
