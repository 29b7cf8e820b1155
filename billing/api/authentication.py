"""API keys as bearer tokens."""

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from billing.models import ApiKey
from billing.services.customers import UnknownKeyError, authenticate_key


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer tg_…`; the key is the request's user and its auth."""

    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            key = authenticate_key(secret=secret.strip(), at=timezone.now())
        except UnknownKeyError as error:
            message = "This API key is unknown, revoked or expired."
            raise AuthenticationFailed(message) from error
        return key, key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
