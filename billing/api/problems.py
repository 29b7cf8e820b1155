"""The API's own refusals; `config.api` writes them as RFC 9457 problems."""

from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

from billing.repeated_members import RepeatedMemberError


class PaymentRequired(APIException):
    """Says beside the detail what there is, what is asked for, and where to pay."""

    status_code = status.HTTP_402_PAYMENT_REQUIRED
    default_code = "payment_required"
    default_detail = "The credits do not suffice."

    def __init__(self, detail: str, **members: str) -> None:
        super().__init__(detail)
        self.members = members


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
