from datetime import timedelta

import pytest
from django.test import Client

from billing.models import UsageEvent
from billing.services.customers import (
    EVENTS_WRITE,
    USAGE_READ,
    issue_api_key,
    revoke_api_key,
)
from ledger.models import Source
from tests import make
from tests.http import EVENTS, SEED, event, get, post

pytestmark = pytest.mark.django_db


def is_unauthorized(key: str) -> bool:
    response = post(SEED, key=key)
    return (
        response.status_code == 401
        and response.headers["WWW-Authenticate"] == "Bearer"
        and not UsageEvent.objects.exists()
    )


class TestAKey:
    def test_is_required(self) -> None:
        response = Client().post(EVENTS, SEED, content_type="application/json")

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "not_authenticated"

    @pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
    def test_is_a_bearer_token(self, scheme: str) -> None:
        headers = {"Authorization": f"{scheme} {make.service_key()}"}

        response = Client().post(
            EVENTS, SEED, content_type="application/json", headers=headers
        )

        assert response.status_code == 401

    @pytest.mark.parametrize("key", ["nonsense", "tg_.", "tg_unknown1.secret", "é"])
    def test_that_is_unknown_is_refused(self, key: str) -> None:
        assert is_unauthorized(key)

    def test_with_another_secret_is_refused(self) -> None:
        key = make.service_key()

        assert is_unauthorized(key[:-1] + ("a" if key[-1] != "a" else "b"))

    def test_without_its_secret_is_refused(self) -> None:
        assert is_unauthorized(make.service_key().partition(".")[0])

    def test_that_was_revoked_is_refused(self) -> None:
        key = make.service_key()
        revoke_api_key(key=make.key_of(key), at=make.NOW)

        assert is_unauthorized(key)

    def test_that_has_expired_is_refused(self) -> None:
        issued = issue_api_key(name="old", scopes=[EVENTS_WRITE], expires_at=make.NOW)

        assert is_unauthorized(issued.secret)

    def test_is_good_until_it_expires(self) -> None:
        make.customer()
        soon = make.NOW + timedelta(microseconds=1)
        issued = issue_api_key(name="old", scopes=[EVENTS_WRITE], expires_at=soon)

        assert post(SEED, key=issued.secret).status_code == 200

    def test_may_be_written_with_a_lower_case_scheme(self) -> None:
        make.customer()
        headers = {"Authorization": f"bearer   {make.service_key()}"}

        response = Client().post(
            EVENTS, SEED, content_type="application/json", headers=headers
        )

        assert response.status_code == 200

    def test_needs_the_scope(self) -> None:
        make.customer()
        reader = issue_api_key(name="reader", scopes=[USAGE_READ]).secret

        response = post(SEED, key=reader)

        assert response.status_code == 403
        assert response.json()["detail"] == "This API key lacks the scope for this."
        assert not UsageEvent.objects.exists()


class TestACustomersKey:
    def test_posts_for_its_own_customer(self) -> None:
        customer = make.customer(credits="50")

        response = post(SEED, key=make.customer_key(customer))

        assert response.json()["status"] == "accepted"

    def test_learns_nothing_of_another_customer(self) -> None:
        key = make.customer_key(make.customer(external_id="cus_own"))
        make.customer(external_id="cus_other", credits="50")

        real, unreal = (
            post(event(customer_id=name), key=key) for name in ("cus_other", "cus_none")
        )

        assert real.status_code == unreal.status_code == 422
        assert real.json()["errors"][0]["code"] == "unknown_customer"
        assert real.content.replace(b"cus_other", b"cus_none") == unreal.content
        assert not UsageEvent.objects.exists()

    def test_posts_its_own_events_beside_others_that_are_refused(self) -> None:
        key = make.customer_key(make.customer(external_id="cus_own"))
        make.customer(external_id="cus_other", credits="50")

        answer = post(
            [
                event("a", customer_id="cus_other"),
                event("b", customer_id="cus_own"),
                {"bad": 1},
            ],
            key=key,
        ).json()

        assert [item["status"] for item in answer["events"]] == [
            "rejected",
            "accepted",
            "rejected",
        ]
        assert UsageEvent.objects.get().customer.external_id == "cus_own"


class TestTheBalance:
    PATH = "/v1/customers/cus_abc123/balance"

    def test_says_what_may_be_spent(self) -> None:
        customer = make.customer(credits="50")
        make.lot(customer.wallet, "2.50", source=Source.PROMOTION)
        post(SEED)

        response = get(self.PATH)

        assert response.status_code == 200
        assert response.json() == {
            "customer_id": "cus_abc123",
            "currency": "USD",
            "available": "52.485768",
            "paid": "50",
            "promotional": "2.485768",
            "overdraft": "0",
            "next_expiry": None,
            "next_expiry_amount": "0",
            "mode": "prepaid",
            "at_zero": "block",
            "credit_limit": "0",
            "spendable": "52.485768",
            "warning": None,
            "as_of": "2026-11-15T12:00:00Z",
        }

    def test_names_the_next_expiry(self) -> None:
        customer = make.customer()
        make.lot(customer.wallet, "3", expires_at=make.NOW + timedelta(days=1))

        answer = get(self.PATH).json()

        assert answer["next_expiry"] == "2026-11-16T12:00:00Z"
        assert answer["next_expiry_amount"] == "3"

    def test_names_its_customer_first(self) -> None:
        make.customer()

        assert next(iter(get(self.PATH).json())) == "customer_id"

    def test_is_shown_to_its_own_customer(self) -> None:
        key = make.customer_key(make.customer(credits="50"))

        assert get(self.PATH, key=key).json()["available"] == "50"

    def test_of_another_customer_is_as_absent_as_one_that_is_not_there(self) -> None:
        make.customer(credits="50")
        key = make.customer_key(make.customer(external_id="cus_own"))

        other = get(self.PATH, key=key)
        nobody = get("/v1/customers/cus_none/balance", key=key)

        assert other.status_code == nobody.status_code == 404
        assert other.json()["detail"] == nobody.json()["detail"]

    def test_of_nobody_is_not_found(self) -> None:
        response = get("/v1/customers/cus_none/balance")

        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/problem+json"

    def test_needs_the_scope(self) -> None:
        make.customer()
        writer = issue_api_key(name="writer", scopes=[EVENTS_WRITE]).secret

        assert get(self.PATH, key=writer).status_code == 403
