"""Answering events whose key was taken before."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from billing.models import QuarantinedEvent, UsageEvent
from billing.services.claims import EarlierClaim, find_claims
from billing.services.events import Item, Outcome, Status, conflict

_First = tuple[Decimal, Decimal, str]


def answer_repeats(items: Sequence[Item]) -> dict[int, Outcome]:
    """Answer the same payload with the first result, another one with a conflict."""
    if not items:
        return {}
    claims = find_claims({item.key for item in items})
    same = [item for item in items if claims[item.key].fingerprint == item.fingerprint]
    first = _find_results(claims[item.key] for item in same)
    kept = _find_quarantined(claims[item.key] for item in same)
    answers = {item.index: conflict(item) for item in items}
    for item in same:
        event_id = claims[item.key].event_id
        answers[item.index] = _duplicate(item, first.get(event_id), kept.get(event_id))
    return answers


def _find_results(claims: Iterable[EarlierClaim]) -> dict[int, _First]:
    ids = {claim.event_id: claim.occurred_at for claim in claims}
    # The times let PostgreSQL look into the right months alone.
    events = UsageEvent.objects.filter(pk__in=ids, occurred_at__in=set(ids.values()))
    rows = events.values_list("pk", "amount", "balance_after", "waived")
    return {pk: (amount, balance, waived) for pk, amount, balance, waived in rows}


def _find_quarantined(claims: Iterable[EarlierClaim]) -> dict[int, QuarantinedEvent]:
    # What was taken back before it had a price is answered as before.
    return QuarantinedEvent.objects.in_bulk({claim.event_id for claim in claims})


def _duplicate(
    item: Item, first: _First | None, kept: QuarantinedEvent | None
) -> Outcome:
    outcome = Outcome(
        status=Status.DUPLICATE, idempotency_key=item.event.idempotency_key
    )
    if first:
        outcome.cost, outcome.balance, outcome.waived = first
        outcome.currency = item.account.currency
        outcome.warning = item.account.allowance.find_breach(first[1])
    elif kept:
        outcome.code, outcome.detail = kept.reason, kept.detail
    return outcome
