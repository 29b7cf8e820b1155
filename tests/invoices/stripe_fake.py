"""Stripe's API as far as it is used, on loopback; `test_stripe_fake` verifies it.

Its sessions and charges begin as those that Stripe's own description makes up, its
refusals and its replays of answers follow Stripe's documents.
"""

import re
from collections.abc import Callable
from threading import RLock
from typing import Any

import msgspec

from tests.invoices.captures import (
    CHARGE_REFUNDED,
    SESSION_COMPLETED,
    Sent,
    captured_event,
)
from tests.invoices.stripe_forms import nested

Object = dict[str, Any]
Answer = tuple[int, Object]

CREATED = 1_795_426_664
_SESSION: Object = captured_event(SESSION_COMPLETED)["data"]["object"]
_CHARGE: Object = captured_event(CHARGE_REFUNDED)["data"]["object"]
_OPEN = {"status": "open", "payment_status": "unpaid", "payment_intent": None}
# What a charge's `amount_refunded` counts no more.
_UNDONE = ("failed", "canceled")
_UNCANCELABLE = ("succeeded", "canceled")


class StripeFake:
    """One Stripe account, with switches for what may go wrong."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Sent] = []
        self.forms: dict[str, Object] = {}
        self.sessions: dict[str, Object] = {}
        self.intents: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.answers: dict[str, tuple[str, Answer]] = {}
        # What the next charges and refunds come to, and the bank's word.
        self.charges_end = "succeeded"
        self.refunds_end = "succeeded"
        self.decline = ""
        self.names_declined = True
        # So many requests are answered 500; so many get no answer though what they ask
        # for is done; the next one waits for so many seconds.
        self.broken = self.dropped = self.hanging = 0
        self.most_listed = 100
        self.on_asked: Callable[[], None] = lambda: None
        self._lock = RLock()

    def asked_for(self, method: str, path: str) -> list[Sent]:
        """Return the requests of a kind, in their order."""
        return [
            each for each in self.asked if (each.method, each.path) == (method, path)
        ]

    def pay(self, session_id: str, *, unpaid: bool = False) -> Object:
        """Pay on a page; by a bank debit, which is not there yet, if unpaid."""
        session, form = self.sessions[session_id], self.forms[session_id]
        intent_data = form.get("payment_intent_data", {})
        makes = form.get("customer_creation") == "always"
        intent = self._intent(
            amount=session["amount_total"],
            currency=session["currency"],
            status="processing" if unpaid else "succeeded",
            customer=form.get("customer") or ("cus_1" if makes else None),
            payment_method="pm_1",
            metadata=intent_data.get("metadata", {}),
        )
        session |= {
            "status": "complete",
            "payment_status": "unpaid" if unpaid else "paid",
            "payment_intent": intent["id"],
            "customer": intent["customer"],
            "url": None,
        }
        return session

    def expire(self, session_id: str) -> Object:
        """Let a page's day pass."""
        session = self.sessions[session_id]
        session |= {"status": "expired", "url": None}
        return session

    def forget_keys(self) -> None:
        """Forget idempotency keys, as happens after a day."""
        self.answers.clear()

    def answer(self, sent: Sent) -> Answer:
        """Work a request off, once for each idempotency key."""
        with self._lock:
            key = sent.headers.get("Idempotency-Key", "")
            if sent.method == "GET" or not key:
                return self._route(sent)
            asked = f"{sent.path}?{sent.body}"
            if key not in self.answers:
                status, said = self._route(sent)
                self.answers[key] = (asked, (status, _copy(said)))
            first, answer = self.answers[key]
            if first != asked:
                return _refuse("Keys are for one request", kind="idempotency_error")
            return answer

    def _route(self, sent: Sent) -> Answer:
        for method, pattern, act in _ROUTES:
            match = re.fullmatch(pattern, sent.path)
            if match and method == sent.method:
                return act(self, nested(sent.form), *match.groups())
        return _refuse("Unrecognized request URL", status=404)

    def create_session(self, form: Object) -> Answer:
        if "customer" in form and "customer_creation" in form:
            return _refuse("customer_creation cannot be used with a customer")
        price = form["line_items"]["0"]["price_data"]
        if int(price["unit_amount"]) < 50 and price["currency"] == "usd":
            return _refuse("Too small", code="amount_too_small")
        number = f"cs_test_{len(self.sessions) + 1}"
        kept = ("client_reference_id", "customer", "customer_email", "mode")
        self.forms[number] = form
        self.sessions[number] = _SESSION | {
            **_OPEN,
            **{name: form.get(name) for name in kept},
            "id": number,
            "amount_total": int(price["unit_amount"]),
            "currency": price["currency"],
            "metadata": form.get("metadata", {}),
            "url": f"https://checkout.stripe.com/c/pay/{number}",
        }
        return 200, self.sessions[number]

    def list_sessions(self, query: Object) -> Answer:
        pages = list(reversed(self.sessions.values()))
        after = query.get("starting_after")
        if after:
            names = [each["id"] for each in pages]
            pages = pages[names.index(after) + 1 :]
        shown = pages[: self.most_listed]
        return 200, _listed(
            "/v1/checkout/sessions", shown, has_more=len(pages) > len(shown)
        )

    def get_session(self, query: Object, number: str) -> Answer:
        if number not in self.sessions:
            return _missing("checkout.session", number)
        session = _copy(self.sessions[number])
        if session["payment_intent"] and "expand" in query:
            intent = _copy(self.intents[session["payment_intent"]])
            method = intent["payment_method"]
            intent["payment_method"] = method and _METHOD | {"id": method}
            session["payment_intent"] = intent
        return 200, session

    def create_intent(self, form: Object) -> Answer:
        if form["customer"] == "cus_gone":
            return _missing("customer", "cus_gone")
        intent = self._intent(
            amount=int(form["amount"]),
            currency=form["currency"],
            status="requires_payment_method" if self.decline else self.charges_end,
            customer=form["customer"],
            payment_method=form["payment_method"],
            metadata=form.get("metadata", {}),
        )
        if not self.decline:
            return 200, intent
        why = {"code": "card_declined", "decline_code": self.decline}
        intent["last_payment_error"] = {"type": "card_error", **why}
        named = intent if self.names_declined else None
        return _refuse(
            "No.", status=402, kind="card_error", payment_intent=named, **why
        )

    def _intent(self, **said: Any) -> Object:
        number = f"pi_{len(self.intents) + 1}"
        self.intents[number] = {
            "id": number,
            "object": "payment_intent",
            "created": CREATED,
            "last_payment_error": None,
            **said,
        }
        return self.intents[number]

    def list_intents(self, query: Object) -> Answer:
        found = [
            each
            for each in self.intents.values()
            if each["customer"] == query["customer"]
        ]
        return 200, _listed("/v1/payment_intents", found)

    def get_intent(self, query: Object, number: str) -> Answer:
        if number not in self.intents:
            return _missing("payment_intent", number)
        intent = _copy(self.intents[number])
        if "expand" in query:
            intent["latest_charge"] = _CHARGE | {
                "amount": intent["amount"],
                "amount_refunded": self.refunded(number),
                "currency": intent["currency"],
                "payment_intent": number,
            }
        return 200, intent

    def cancel_intent(self, _: Object, number: str) -> Answer:
        intent = self.intents[number]
        if intent["status"] in _UNCANCELABLE:
            return _refuse("Not now", code="payment_intent_unexpected_state")
        intent["status"] = "canceled"
        return 200, intent

    def create_refund(self, form: Object) -> Answer:
        intent, amount = form["payment_intent"], int(form["amount"])
        if intent not in self.intents:
            return _missing("payment_intent", intent)
        left = self.intents[intent]["amount"] - self.refunded(intent)
        if amount > left:
            code = None if left else "charge_already_refunded"
            return _refuse("Refund amount is greater than unrefunded amount", code=code)
        number = f"re_{len(self.refunds) + 1}"
        self.refunds[number] = {
            "id": number,
            "object": "refund",
            "amount": amount,
            "currency": self.intents[intent]["currency"],
            "metadata": form.get("metadata", {}),
            "payment_intent": intent,
            "reason": form.get("reason"),
            "status": self.refunds_end,
        }
        return 200, self.refunds[number]

    def refunded(self, intent: str) -> int:
        """Return how much of a payment went back, in all."""
        made = [
            each for each in self.refunds.values() if each["payment_intent"] == intent
        ]
        return sum(each["amount"] for each in made if each["status"] not in _UNDONE)

    def list_refunds(self, query: Object) -> Answer:
        intent = query["payment_intent"]
        found = [
            each for each in self.refunds.values() if each["payment_intent"] == intent
        ]
        return 200, _listed("/v1/refunds", found)

    def get_refund(self, _: Object, number: str) -> Answer:
        if number not in self.refunds:
            return _missing("refund", number)
        return 200, self.refunds[number]


_METHOD = {
    "object": "payment_method",
    "type": "card",
    "card": {"brand": "visa", "last4": "4242"},
}
_ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("POST", "/v1/checkout/sessions", StripeFake.create_session),
    ("GET", "/v1/checkout/sessions", StripeFake.list_sessions),
    ("GET", r"/v1/checkout/sessions/(\w+)", StripeFake.get_session),
    ("POST", "/v1/payment_intents", StripeFake.create_intent),
    ("GET", "/v1/payment_intents", StripeFake.list_intents),
    ("GET", r"/v1/payment_intents/(\w+)", StripeFake.get_intent),
    ("POST", r"/v1/payment_intents/(\w+)/cancel", StripeFake.cancel_intent),
    ("POST", "/v1/refunds", StripeFake.create_refund),
    ("GET", "/v1/refunds", StripeFake.list_refunds),
    ("GET", r"/v1/refunds/(\w+)", StripeFake.get_refund),
]


def _listed(url: str, data: list[Object], *, has_more: bool = False) -> Object:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _copy(said: Object) -> Object:
    return msgspec.json.decode(msgspec.json.encode(said), type=Object)


def _missing(kind: str, number: str) -> Answer:
    return _refuse(f"No such {kind}: '{number}'", status=404, code="resource_missing")


def _refuse(
    message: str, *, status: int = 400, kind: str = "invalid_request_error", **more: Any
) -> Answer:
    said = {name: value for name, value in more.items() if value is not None}
    return status, {"error": {"type": kind, "message": message, **said}}
