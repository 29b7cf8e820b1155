"""Which API key an event of `/v1/events` is counted to."""

import pytest

from tests import make
from tests.billing.capping import named_key
from tests.http import event, get, pointers, post

pytestmark = pytest.mark.django_db


class TestTheApiKey:
    def test_is_named_by_its_prefix_and_shown(self) -> None:
        key = named_key(make.customer(credits="50"))

        assert post(event(api_key=key.prefix)).status_code == 200

        assert get("/v1/events/req_1?customer_id=cus_abc123").json()["api_key"] == (
            key.prefix
        )

    def test_is_the_one_that_posts_if_it_is_the_customers(self) -> None:
        secret = make.customer_key(make.customer(credits="50"))

        post(event(), key=secret)

        shown = get("/v1/events/req_1", key=secret).json()["api_key"]
        assert shown == make.key_of(secret).prefix

    def test_of_an_event_without_one_is_null(self) -> None:
        make.customer(credits="50")
        post(event(api_key=None))

        assert get("/v1/events/req_1?customer_id=cus_abc123").json()["api_key"] is None

    def test_is_refused_where_it_is_named(self) -> None:
        secret = make.customer_key(make.customer(credits="50"))

        whole, unknown = (
            post([event(api_key=name)]).json()["events"][0]["errors"][0]
            for name in (secret, "tg_unknown1")
        )

        assert (whole["code"], whole["pointer"]) == ("secret_api_key", "#/0/api_key")
        assert secret.partition(".")[2] not in str(whole)
        assert (unknown["code"], unknown["pointer"]) == (
            "unknown_api_key",
            "#/0/api_key",
        )

    @pytest.mark.parametrize("wrong", [7, "", "x" * 65, {}, True])
    def test_is_a_short_text(self, wrong: object) -> None:
        make.customer(credits="50")

        answer = post(event(api_key=wrong))

        assert answer.status_code == 422
        assert pointers(answer) == ["#/api_key"]
