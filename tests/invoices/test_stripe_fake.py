"""The fake is held against what Stripe's own SDK sent, and what it describes."""

from typing import Any

import pytest
import stripe
from django.utils import timezone

from invoices.payments.stripe import StripeProvider
from tests.invoices import captures
from tests.invoices.captures import captured, captured_event
from tests.invoices.stripe_fake import Object, StripeFake
from tests.invoices.stripe_server import (
    SECRET,
    charge_of,
    dispute_of,
    encode,
    event_of,
    sign,
)
from tests.invoices.stripe_state import begin

SENT = captured(captures.SESSION_CREATED)
PARAMS: Any = {
    "mode": "payment",
    "client_reference_id": "tenant-42",
    "line_items": [
        {
            "quantity": 1,
            "price_data": {
                "currency": "usd",
                "unit_amount": 5000,
                "product_data": {"name": "Credit pack $50"},
            },
        }
    ],
    "metadata": {"pack": "p50"},
    "success_url": "https://app/ok",
    "cancel_url": "https://app/no",
}


@pytest.fixture
def client(fake: StripeFake) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_1", base_addresses={"api": fake.url})


def refund_params(amount: int) -> Any:
    return {"payment_intent": "pi_1", "amount": amount}


def charge(client: stripe.StripeClient, amount: int, key: str = "") -> Object:
    params: Any = {
        "amount": amount,
        "currency": "usd",
        "customer": "cus_1",
        "payment_method": "pm_1",
    }
    made = client.v1.payment_intents.create(params, {"idempotency_key": key or None})
    return made.to_dict()


class TestRequests:
    def test_the_fake_hears_what_was_captured(
        self, fake: StripeFake, client: stripe.StripeClient
    ) -> None:
        client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"})

        [asked] = fake.asked
        assert (asked.method, asked.path) == (SENT.method, SENT.path)
        assert asked.header_names == SENT.header_names
        assert asked.content_type == SENT.content_type
        assert list(asked.form.items()) == list(SENT.form.items())

    @pytest.mark.django_db
    def test_ours_is_of_the_same_form(self, fake: StripeFake) -> None:
        payment = begin()

        for _ in range(2):
            StripeProvider().start_checkout(payment=payment)

        # The second would tell how long the first took.
        asked = fake.asked[1]
        assert (asked.method, asked.path) == (SENT.method, SENT.path)
        assert asked.header_names == SENT.header_names
        assert asked.content_type == SENT.content_type
        assert set(SENT.form) - {"metadata[pack]"} <= set(asked.form)
        assert asked.headers["Stripe-Version"] == SENT.headers["Stripe-Version"]


class TestAnswers:
    def test_have_the_shape_that_stripe_describes(self, fake: StripeFake) -> None:
        fake.create_session(_form())
        intent = fake.pay("cs_test_1")["payment_intent"]
        fake.create_refund({"payment_intent": intent, "amount": "5"})

        said: list[tuple[type, Object]] = [
            (stripe.checkout.Session, fake.sessions["cs_test_1"]),
            (stripe.PaymentIntent, fake.intents[intent]),
            (stripe.Refund, fake.refunds["re_1"]),
            (stripe.Charge, charge_of(fake, intent)),
            (stripe.Dispute, dispute_of(intent, status="lost")),
        ]
        unknown = {name: set(it) - set(name.__annotations__) for name, it in said}
        # Left over from when a customer's card was a source.
        assert unknown.pop(stripe.Charge) <= {"refunds", "source"}
        assert set().union(*unknown.values()) == set()

    def test_one_key_has_one_answer(
        self, fake: StripeFake, client: stripe.StripeClient
    ) -> None:
        first = charge(client, 500, "key")
        fake.intents[first["id"]]["status"] = "canceled"

        assert charge(client, 500, "key") == first
        assert len(fake.intents) == 1

    def test_a_key_is_for_one_request(self, client: stripe.StripeClient) -> None:
        charge(client, 500, "key")

        with pytest.raises(stripe.IdempotencyError):
            charge(client, 501, "key")

    def test_no_more_goes_back_than_was_paid(self, client: stripe.StripeClient) -> None:
        charge(client, 500)
        client.v1.refunds.create(refund_params(300))

        with pytest.raises(stripe.InvalidRequestError, match="greater than unref"):
            client.v1.refunds.create(refund_params(201))
        client.v1.refunds.create(refund_params(200))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create(refund_params(1))
        assert refused.value.code == "charge_already_refunded"

    @pytest.mark.parametrize("end", ["failed", "canceled"])
    def test_a_refund_that_came_to_nothing_counts_no_more(
        self, fake: StripeFake, client: stripe.StripeClient, end: str
    ) -> None:
        charge(client, 500)
        client.v1.refunds.create(refund_params(300))
        fake.refunds["re_1"]["status"] = end

        asked: Any = {"expand": ["latest_charge"]}
        said = client.v1.payment_intents.retrieve("pi_1", asked).to_dict()

        assert said["latest_charge"]["amount_refunded"] == 0
        assert "latest_charge" not in fake.intents["pi_1"]

    def test_a_decline_names_its_payment(
        self, fake: StripeFake, client: stripe.StripeClient
    ) -> None:
        fake.decline = "insufficient_funds"

        with pytest.raises(stripe.CardError) as declined:
            charge(client, 500)

        said = declined.value.error
        assert said
        assert said.decline_code == "insufficient_funds"
        assert said.payment_intent
        assert said.payment_intent.status == "requires_payment_method"

    def test_what_is_not_there_is_missing(self, client: stripe.StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.checkout.sessions.retrieve("cs_test_9")

        assert (refused.value.http_status, refused.value.code) == (
            404,
            "resource_missing",
        )


class TestEvents:
    @pytest.mark.parametrize(
        "name", [captures.SESSION_COMPLETED, captures.CHARGE_REFUNDED]
    )
    def test_have_the_shape_of_the_captured_ones(self, name: str) -> None:
        theirs = captured_event(name)

        ours = event_of(theirs["type"], theirs["data"]["object"])

        assert list(ours) == list(theirs)
        assert ours["data"].keys() == theirs["data"].keys()

    def test_sessions_and_charges_do_too(self, fake: StripeFake) -> None:
        fake.create_session(_form())
        session = fake.pay("cs_test_1")
        charge = charge_of(fake, session["payment_intent"])

        theirs = captured_event(captures.SESSION_COMPLETED)["data"]["object"]
        assert session.keys() == theirs.keys()
        theirs = captured_event(captures.CHARGE_REFUNDED)["data"]["object"]
        assert charge.keys() == theirs.keys()

    def test_are_signed_as_the_sdk_checks_and_signs(self) -> None:
        body, now = encode(event_of("charge.refunded", {})), timezone.now()

        header = sign(body, at=now)["Stripe-Signature"]

        theirs = stripe.WebhookSignature.generate_signature_header(
            body.decode(), SECRET, int(now.timestamp())
        )
        assert header == theirs
        assert stripe.Webhook.construct_event(body, header, SECRET).id


def _form() -> Object:
    price = {"currency": "usd", "unit_amount": "5000"}
    return {"line_items": {"0": {"price_data": price}}, "mode": "payment"}
