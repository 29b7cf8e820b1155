"""`POST /v1/events`: the door that all usage comes through."""

from collections import Counter
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.api.ingest.decoding import (
    MAX_BYTES,
    BadEvent,
    Body,
    MalformedBodyError,
    TooManyEventsError,
    decode_body,
)
from billing.api.ingest.schema import EVENT_EXAMPLE, EventsInput, EventsOutput
from billing.api.permissions import HasScope, key_of
from billing.api.problems import LengthRequired, PayloadTooLarge
from billing.api.warnings import warning_headers
from billing.models import ApiKey
from billing.services.customers import EVENTS_WRITE
from billing.services.events import Outcome, PostedEvent, Status, rejected
from billing.services.metering import record_events
from billing.services.settling import settle_calls
from ledger.money import as_text

_SINGLE_STATUS = {
    Status.ACCEPTED: status.HTTP_200_OK,
    Status.DUPLICATE: status.HTTP_200_OK,
    Status.QUARANTINED: status.HTTP_202_ACCEPTED,
    Status.CONFLICT: status.HTTP_422_UNPROCESSABLE_ENTITY,
    Status.REJECTED: status.HTTP_422_UNPROCESSABLE_ENTITY,
}


class RawJSONParser(BaseParser):
    """Hands on the bytes: events are decoded one by one, by msgspec."""

    media_type = "application/json"

    def parse(self, stream: Any, *_args: Any, **_kwargs: Any) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise PayloadTooLarge
        return body


class EventsView(APIView):
    """Record usage events: one, or up to 1,000, each with an outcome of its own."""

    permission_classes = [HasScope]
    parser_classes = [RawJSONParser]
    required_scope = EVENTS_WRITE

    @extend_schema(
        operation_id="record_events",
        request=EventsInput,
        responses={200: EventsOutput},
        examples=[EVENT_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        body = _read(request)
        outcomes = _record(key_of(request), body)
        items = [
            _as_json(index, outcome, body) for index, outcome in enumerate(outcomes)
        ]
        headers = warning_headers(outcome.warning for outcome in outcomes)
        if body.is_single:
            code = _SINGLE_STATUS[outcomes[0].status]
            return Response(items[0], status=code, headers=headers)
        return Response(_summary(outcomes) | {"events": items}, headers=headers)


def _read(request: Request) -> Body:
    # Django reads a chunked body without a length as empty: usage would vanish.
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired
    # DRF hands an absent body on as an empty dictionary.
    body = cast("bytes", request.data or b"")
    try:
        return decode_body(body)
    except MalformedBodyError as error:
        raise ParseError(str(error)) from error
    except TooManyEventsError as error:
        raise PayloadTooLarge(str(error)) from error


def _record(key: ApiKey, body: Body) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    allowed: dict[int, PostedEvent] = {}
    for index, event in enumerate(body.events):
        refusal = _refuse(key, event)
        if refusal:
            outcomes[index] = refusal
        elif isinstance(event, PostedEvent):
            allowed[index] = event
    events, now = list(allowed.values()), timezone.now()
    recorded = record_events(
        events=events,
        received_at=now,
        own_key=None if key.is_service_key else key,
    )
    settle_calls(events=events, outcomes=recorded, at=now)
    outcomes |= dict(zip(allowed, recorded, strict=True))
    return [outcomes[index] for index in range(len(body.events))]


def _refuse(key: ApiKey, event: PostedEvent | BadEvent) -> Outcome | None:
    if isinstance(event, BadEvent):
        return Outcome(
            status=Status.REJECTED, code="invalid", detail=event.detail, path=event.path
        )
    if key.customer and event.customer != key.customer.external_id:
        # As if it did not exist: a key learns nothing of other customers.
        detail = f"There is no customer {event.customer!r}."
        return rejected(event, "customer_id", "unknown_customer", detail)
    return None


def _summary(outcomes: list[Outcome]) -> dict[str, int]:
    counted = Counter(outcome.status for outcome in outcomes)
    return {
        "accepted": counted[Status.ACCEPTED],
        "duplicates": counted[Status.DUPLICATE],
        "conflicts": counted[Status.CONFLICT],
        "quarantined": counted[Status.QUARANTINED],
        "rejected": counted[Status.REJECTED],
    }


def _as_json(index: int, outcome: Outcome, body: Body) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "index": index,
        "idempotency_key": outcome.idempotency_key,
        "status": outcome.status,
    }
    if outcome.cost is not None and outcome.balance is not None:
        answer["cost"] = as_text(outcome.cost)
        answer["balance"] = as_text(outcome.balance)
        answer["currency"] = outcome.currency
    if outcome.warning:
        answer["warning"] = outcome.warning
    if outcome.waived:
        answer["waived"] = outcome.waived
    if outcome.is_open_stream:
        answer["stream"] = "open"
    if outcome.detail:
        answer["errors"] = [
            {
                "code": outcome.code,
                "detail": outcome.detail,
                "pointer": _pointer(index, outcome, body),
            }
        ]
    return answer


def _pointer(index: int, outcome: Outcome, body: Body) -> str:
    position: tuple[str | int, ...] = () if body.is_single else (*body.prefix, index)
    names = (str(name) for name in (*position, *outcome.path))
    escaped = (name.replace("~", "~0").replace("/", "~1") for name in names)
    return "#" + "".join(f"/{name}" for name in escaped)
