"""Asking whether a call may run, and answering as HTTP does."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from rest_framework.exceptions import APIException, NotFound
from rest_framework.response import Response

from billing.api.problems import (
    PaymentRequired,
    ReducedCapacity,
    TooManyRequests,
    UnpriceableError,
    Unprocessable,
)
from billing.api.rate_headers import get_retry_after, list_states, rate_headers
from billing.api.warnings import warning_headers
from billing.models import LimitName
from billing.pricing.quantities import Reason, UnratableError
from billing.queries.admission import Call, CapUse, Verdict
from billing.queries.callers import Caller, find_caller
from billing.services.admission import admit_call
from billing.services.outage import HeldElsewhereError, RequestIdTakenError
from ledger.money import as_text

# Where to look for what has no price; of other reasons, no member is at fault.
_AT_FAULT = {
    Reason.UNKNOWN_MODEL: "model",
    Reason.CONTEXT_ABOVE_BANDS: "input_tokens",
    Reason.BAD_QUANTITY: "properties",
    Reason.PARTS_EXCEED_TOTAL: "properties",
    Reason.UNKNOWN_USAGE: "properties",
}
# Credits are bought; of a credit limit, more is left once an invoice is paid.
_PAGES = {
    LimitName.ACCOUNT_CREDITS: "portal:credits",
    LimitName.CREDIT_LIMIT: "portal:invoices",
    LimitName.KEY_LIMIT: "portal:caps",
    LimitName.SPEND_CAP: "portal:caps",
}
_RATE_WORDS = {
    LimitName.REQUESTS: "requests per minute",
    LimitName.TOKENS: "tokens per minute",
    LimitName.CONCURRENT_REQUESTS: "calls at once",
}


def require_caller(external_id: str) -> Caller:
    """Return the customer that a call is of.

    :raises NotFound: if there is none.
    """
    caller = find_caller(external_id)
    if caller is None:
        raise NotFound
    return caller


def ask(caller: Caller, call: Call) -> Response:
    """Answer that a call may run.

    :raises APIException: if it may not, as a problem that names the limit that binds.
    """
    try:
        verdict = require_admission(caller, call)
    except UnratableError as error:
        raise _unpriced(error) from error
    return Response(_as_json(caller, call, verdict), headers=admission_headers(verdict))


def admission_headers(verdict: Verdict) -> dict[str, str]:
    """Return what the headers of an admitted call say of its limits."""
    return rate_headers(verdict) | warning_headers([verdict.warning])


def require_admission(caller: Caller, call: Call) -> Verdict:
    """Return the verdict on a call that may run.

    :raises APIException: if it may not, as a problem that names the limit that binds.
    :raises UnratableError: if it has no price.
    """
    verdict = _decide(caller, call)
    if verdict.limit_source is None:
        return verdict
    if verdict.limit_source.is_rate:
        raise _rate_refusal(call, verdict, verdict.limit_source)
    raise _money_refusal(verdict, verdict.limit_source)


def _decide(caller: Caller, call: Call) -> Verdict:
    try:
        return admit_call(caller=caller, call=call, at=timezone.now())
    except RequestIdTakenError as error:
        detail = "Another call was admitted by this request id."
        raise Unprocessable({"request_id": [detail]}) from error
    except HeldElsewhereError as error:
        raise ReducedCapacity from error


def _unpriced(error: UnratableError) -> APIException:
    member = _AT_FAULT.get(error.reason)
    if member:
        return UnpriceableError({member: error.detail}, error.reason)
    return Unprocessable(error.detail, error.reason)


def _money_refusal(verdict: Verdict, source: LimitName) -> PaymentRequired:
    cap = verdict.cap if source.is_cap else None
    more = {"cap": _cap(cap)} if cap else {}
    return PaymentRequired(
        _say_shortage(verdict, cap),
        headers=rate_headers(verdict),
        limit_source=str(source),
        estimate=as_text(verdict.estimate),
        currency=verdict.currency,
        balance=as_text(verdict.available),
        held=as_text(verdict.held),
        spendable=as_text(verdict.spendable),
        topup_url=settings.BASE_URL.rstrip("/") + reverse(_PAGES[source]),
        **more,
    )


def _say_shortage(verdict: Verdict, use: CapUse | None) -> str:
    cost = f"The call may cost {as_text(verdict.estimate)} {verdict.currency}"
    if use is None:
        return f"{cost}; {as_text(verdict.spendable)} may be spent."
    return f"{cost}; {as_text(use.left)} is left of the cap of this {use.cap.period}."


def _cap(use: CapUse) -> dict[str, object]:
    cap = use.cap
    return {
        "id": cap.id,
        "period": cap.period,
        "model": cap.model,
        "set_by": cap.set_by,
        "amount": as_text(cap.amount),
        "spent": as_text(use.spent),
        "held": as_text(use.held),
        "resets_at": use.resets_at,
    }


def _rate_refusal(call: Call, verdict: Verdict, source: LimitName) -> TooManyRequests:
    wait = get_retry_after(verdict)
    limit = _limit(verdict, source)
    return TooManyRequests(
        _say_limit(verdict, source, wait),
        wait=wait,
        headers=rate_headers(verdict),
        limit_source=str(source),
        limit=limit and limit | {"model": call.model, "retry_after": wait},
        **{"violated-policies": [str(each) for each in verdict.refused]},
    )


def _say_limit(verdict: Verdict, source: LimitName, wait: int) -> str:
    tpm = verdict.rates and verdict.rates.limit.tpm
    if source == LimitName.TOKENS and tpm and verdict.tokens > tpm:
        return (
            f"The call may take {verdict.tokens:,} tokens; never more than {tpm:,} may."
        )
    limit = _limit(verdict, source)
    size = f"{limit['size']:,} " if limit else ""
    words = f"{size}{_RATE_WORDS[source]}"
    return f"The limit of {words} is used up; ask again in {wait} s."


def _limit(verdict: Verdict, source: LimitName) -> dict[str, int | str] | None:
    """Return the limit that binds and what is used of it, if the gate said."""
    if verdict.rates is None:
        return None
    if source == LimitName.CONCURRENT_REQUESTS:
        size, used = verdict.rates.limit.calls or 0, verdict.rates.calls
        return {"name": str(source), "size": size, "used": used, "remaining": 0}
    states = list_states(verdict.rates, tokens=verdict.tokens, refused=verdict.refused)
    state = next(each for each in states if each.source == source)
    return {
        "name": str(source),
        "size": state.size,
        "used": state.used,
        "remaining": state.remaining,
        "asked": verdict.tokens if source == LimitName.TOKENS else 1,
    }


def _as_json(caller: Caller, call: Call, verdict: Verdict) -> dict[str, object]:
    return {
        "admitted": True,
        "request_id": call.request_id,
        "customer_id": caller.reference,
        "estimate": as_text(verdict.estimate),
        "currency": verdict.currency,
        "balance": as_text(verdict.available),
        "held": as_text(verdict.held),
        "spendable": as_text(verdict.spendable),
        "warning": verdict.warning,
        "expires_at": verdict.expires_at,
        "replayed": verdict.is_repeat,
    }
