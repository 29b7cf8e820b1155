"""API keys as bearer tokens."""

from hashlib import sha256

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from billing.models import ApiKey
from billing.queries.callers import keep
from billing.services.customers import UnknownKeyError, authenticate_key


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer tg_…`; the key is the request's user and its auth."""

    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        secret = self.find_secret(request)
        if secret is None:
            return None
        key = find_key(secret)
        if key is None:
            message = "This API key is unknown, revoked or expired."
            raise AuthenticationFailed(message)
        return key, key

    def find_secret(self, request: Request) -> str | None:
        """Return what a request signs in with, if it does."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        return secret.strip() if scheme.lower() == "bearer" else None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return "Bearer"


def find_key(secret: str) -> ApiKey | None:
    """Return the usable key of a secret, as of `CALLER_CACHE_SECONDS` ago at most."""
    # What is kept is of no use to who reads it from memory.
    digest = sha256(secret.encode("utf-8", "surrogateescape")).digest()
    key: ApiKey | None = keep(("key", digest), lambda: _read_key(secret))
    return key


def _read_key(secret: str) -> ApiKey | None:
    try:
        return authenticate_key(secret=secret, at=timezone.now())
    except UnknownKeyError:
        return None


class ForwardedKeyAuthentication(ApiKeyAuthentication):
    """As above, or by `X-Api-Key: tg_…`, as some SDKs sign in to an AI API."""

    def find_secret(self, request: Request) -> str | None:
        return super().find_secret(request) or request.headers.get("X-Api-Key")


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class ForwardedKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ForwardedKeyAuthentication
    name = "forwardedKey"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        sent = {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
        return sent | {"description": "Or as a bearer token."}
