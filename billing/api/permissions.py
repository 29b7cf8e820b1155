"""What a key may do, by its scopes and its customer."""

from typing import TYPE_CHECKING, cast

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from billing.models import ApiKey, Customer
from billing.services.customers import (
    CALLS_MAKE,
    CAPS_WRITE,
    CREDITS_BUY,
    EVENTS_CORRECT,
    EVENTS_WRITE,
    USAGE_READ,
)

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """The key carries the view's `required_scope`."""

    message = "This API key lacks the scope for this."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        key = request.auth
        return isinstance(key, ApiKey) and view.required_scope in key.scopes  # type: ignore[attr-defined]


class MayCall(BasePermission):
    """A customer's key that may make calls; one that posts their events may too."""

    message = f"Only a customer's key with the scope {CALLS_MAKE} may make calls."

    def has_permission(self, request: Request, view: "APIView") -> bool:  # noqa: ARG002
        key = request.auth
        return isinstance(key, ApiKey) and not key.is_service_key and may_call(key)


class MayCorrect(BasePermission):
    """A service key with the scope to correct usage; to read, the scope to read."""

    message = f"Only a service key with the scope {EVENTS_CORRECT} may correct usage."

    def has_permission(self, request: Request, view: "APIView") -> bool:  # noqa: ARG002
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        if request.method != "POST":
            return USAGE_READ in key.scopes
        return key.is_service_key and EVENTS_CORRECT in key.scopes


class MayBuy(BasePermission):
    """A key with the scope to buy credits; to read, the scope to read."""

    message = "This API key lacks the scope for this."
    scope = CREDITS_BUY

    def has_permission(self, request: Request, view: "APIView") -> bool:  # noqa: ARG002
        key = request.auth
        scope = USAGE_READ if request.method in SAFE_METHODS else self.scope
        return isinstance(key, ApiKey) and scope in key.scopes


class MayCap(MayBuy):
    """A key with the scope to set spend caps; to read, the scope to read."""

    scope = CAPS_WRITE


def may_call(key: ApiKey) -> bool:
    """Tell whether a key has a scope to make calls with."""
    return bool({CALLS_MAKE, EVENTS_WRITE}.intersection(key.scopes))


def key_of(request: Request) -> ApiKey:
    """Return the API key that signed a request in."""
    return cast("ApiKey", request.auth)


def actor_of(request: Request) -> str:
    """Return who did it, as it is written down: the key that signed a request in."""
    key = key_of(request)
    return f"api key {key.name} ({key.prefix})"


def get_customer(request: Request, external_id: str | None) -> Customer:
    """Return the customer a request is about, if its key may know of it.

    :raises ValidationError: if a service key names none.
    :raises NotFound: if there is none.
    """
    named, own = name_customer(request, external_id), key_of(request).customer
    found = own or Customer.objects.filter(external_id=named).first()
    if found is None:
        raise NotFound
    return found


def name_customer(request: Request, external_id: str | None) -> str:
    """Return the external id of the customer that a request may be about.

    A customer's key is about its own customer; a service key names one. Another's is
    as absent as one that does not exist.

    :raises ValidationError: if a service key names none.
    :raises NotFound: if a customer's key names another.
    """
    own = key_of(request).customer
    if own is None:
        if not external_id:
            raise ValidationError({"customer_id": "A service key names a customer."})
        return external_id
    if external_id not in (None, own.external_id):
        raise NotFound
    return own.external_id
