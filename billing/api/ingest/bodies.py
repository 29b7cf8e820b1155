"""Bodies of one object, read as exactly as events are."""

from typing import TypeVar, cast

import msgspec
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.request import Request

from billing.api.ingest.decoding import as_bad
from billing.api.problems import repeated_member
from billing.posted_json import check_limits, read_number, without_lone_surrogates
from billing.repeated_members import RepeatedMemberError, check_unrepeated

Body = TypeVar("Body", bound=msgspec.Struct)


def read_body(request: Request, kind: type[Body]) -> Body:
    """Return what a request's body says, which has come as bytes.

    :raises ParseError: if it is not JSON of an object.
    :raises ValidationError: if a member is missing or wrong, naming it.
    """
    # DRF hands an absent body on as an empty dictionary.
    raw = without_lone_surrogates(cast("bytes", request.data or b""))
    try:
        body = msgspec.json.Decoder(kind, float_hook=read_number).decode(raw)
        check_limits(raw, getattr(body, "properties", None))
        check_unrepeated(raw)
    except RepeatedMemberError as error:
        raise repeated_member(error) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _as_problem(error) from error
    return body


def _as_problem(error: Exception) -> ParseError | ValidationError:
    bad = as_bad(error)
    if not bad.path:
        return ParseError(bad.detail)
    return ValidationError({".".join(bad.path): [ErrorDetail(bad.detail, "invalid")]})
