"""The API's own refusals; `config.api` writes them as RFC 9457 problems."""

from collections.abc import Mapping

from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

from billing.repeated_members import RepeatedMemberError

_PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types"
_QUOTA_EXCEEDED = f"{_PROBLEM_TYPES}#quota-exceeded"
_REDUCED_CAPACITY = f"{_PROBLEM_TYPES}#temporary-reduced-capacity"


class Refusal(APIException):
    """Has members beside those of every problem, and headers."""

    headers: Mapping[str, str] = {}
    members: Mapping[str, object] = {}


class PaymentRequired(Refusal):
    """Says beside the detail what there is, what is asked for, and where to pay."""

    status_code = status.HTTP_402_PAYMENT_REQUIRED
    default_code = "payment_required"
    default_detail = "The credits do not suffice."

    def __init__(
        self, detail: str, *, headers: dict[str, str], **members: object
    ) -> None:
        super().__init__(detail)
        self.headers = headers
        self.members = members


class TooManyRequests(Refusal):
    """Says which limits refuse the call and when to ask again."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "rate_limited"
    default_detail = "Too many requests."

    def __init__(
        self, detail: str, *, wait: int, headers: dict[str, str], **members: object
    ) -> None:
        super().__init__(detail)
        self.wait = wait
        self.headers = headers
        self.members = {"type": _QUOTA_EXCEEDED, **members}


class ReducedCapacity(Refusal):
    """Credits would do, but are held by calls that nobody knows of any more."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "temporarily_unavailable"
    default_detail = (
        "The credits are held by calls that are still running. Ask again in a moment."
    )
    wait = 5
    members = {"type": _REDUCED_CAPACITY}


class LengthRequired(APIException):
    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length."


class PayloadTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "payload_too_large"
    default_detail = "The body is too large."


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "The state of things does not allow it."


class ProviderUnavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "provider_unavailable"
    default_detail = "The payment provider does not answer. Send the same again."
    wait = 5


class Unprocessable(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "unprocessable"
    default_detail = "It was read, and it makes no sense."


class UnpriceableError(ValidationError):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


def repeated_member(error: RepeatedMemberError) -> ValidationError:
    """Return the refusal of a body that says a member twice, naming it."""
    detail = ErrorDetail(str(error), "repeated_member")
    return ValidationError({".".join(error.path): [detail]})
