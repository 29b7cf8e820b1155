"""The parts of a URL that are not plain text."""

from django.urls import register_converter


class KeyConverter:
    """An idempotency key: the caller's own text, even with slashes and line ends."""

    regex = r"(?s:.+)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KeyConverter, "key")
