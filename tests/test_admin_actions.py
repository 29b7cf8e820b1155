"""What operators may do in the admin: each form and action calls one service."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from billing.models import ApiKey, Customer, QuarantinedEvent, RateCardVersion, User
from billing.pricing.yaml_form import parse_card
from billing.services.metering import record_events
from billing.services.rate_cards import create_rate_card, draft_version
from tests import make
from tests.make import NOW

pytestmark = pytest.mark.django_db
_TOO_LONG = "?rate_card=" + "9" * 5000


class TestQuarantine:
    def test_events_are_retried(self, operator: Client) -> None:
        card = make.customer().plan.rate_card
        record_events(events=[make.event(model="unheard-of")], received_at=NOW)
        text = make.SEED_CARD.replace("text-gen-v3", "unheard-of")
        make.published_version(card, text, effective_from=NOW - timedelta(days=1))
        waiting = QuarantinedEvent.objects.get()

        operator.post(
            "/admin/billing/quarantinedevent/",
            {"action": "retry", "_selected_action": [waiting.pk]},
        )

        waiting.refresh_from_db()
        assert waiting.resolved_at is not None

    def test_those_that_stay_are_counted(self, operator: Client) -> None:
        make.customer()
        record_events(events=[make.event(model="unheard-of")], received_at=NOW)
        waiting = QuarantinedEvent.objects.get()

        page = operator.post(
            "/admin/billing/quarantinedevent/",
            {"action": "retry", "_selected_action": [waiting.pk]},
            follow=True,
        )

        assert "1 stay: 1 unknown model." in page.content.decode()


class TestCustomers:
    def test_a_new_one_has_a_wallet(self, operator: Client) -> None:
        plan = make.plan()

        operator.post("/admin/billing/customer/add/", _new_customer(plan.pk))

        made = Customer.objects.get(external_id="cus_new")
        assert made.wallet.currency == "USD"
        assert made.wallet.credit_limit == 20
        assert made.time_zone == "Europe/Berlin"

    def test_a_name_may_change(self, operator: Client) -> None:
        customer = make.customer()
        url = f"/admin/billing/customer/{customer.pk}/change/"

        operator.post(url, _new_customer(customer.plan_id) | {"name": "Other Labs"})

        customer.refresh_from_db()
        assert (customer.name, customer.external_id) == ("Other Labs", "cus_abc123")


def _new_customer(plan_id: int) -> dict[str, object]:
    return {
        "external_id": "cus_new",
        "name": "New Labs",
        "email": "new@example.com",
        "plan": plan_id,
        "credit_limit": "20",
        "time_zone": "Europe/Berlin",
        "membership_set-TOTAL_FORMS": 0,
        "membership_set-INITIAL_FORMS": 0,
        "spend_caps-TOTAL_FORMS": 0,
        "spend_caps-INITIAL_FORMS": 0,
    }


class TestApiKeys:
    def test_a_new_one_shows_its_secret_once(self, operator: Client) -> None:
        form = {"name": "gateway", "scopes": ["events:write"]}

        page = operator.post("/admin/billing/apikey/add/", form, follow=True)
        again = operator.get("/admin/billing/apikey/")

        shown = re.search(r"tg_\w{8}\.\w{40}", page.content.decode())
        assert shown
        assert make.key_of(shown.group()).name == "gateway"
        assert shown.group() not in again.content.decode()

    def test_they_are_revoked(self, operator: Client) -> None:
        key = make.key_of(make.service_key())

        operator.post(
            "/admin/billing/apikey/", {"action": "revoke", "_selected_action": [key.pk]}
        )

        assert ApiKey.objects.get().revoked_at is not None


class TestRateCards:
    def test_a_version_is_drafted_from_yaml(self, operator: Client) -> None:
        card = make.rate_card()

        _draft(operator, card.pk, make.SEED_CARD)

        drafted = card.versions.get(published_at=None)
        assert drafted.number == 2
        assert drafted.rates.count() == 2

    @pytest.mark.parametrize("query", ["", "?rate_card={}", "?rate_card=x", _TOO_LONG])
    def test_a_draft_begins_with_the_latest_prices(
        self, operator: Client, query: str
    ) -> None:
        card = make.rate_card()

        page = operator.get(DRAFT + query.format(card.pk)).content.decode()

        [text] = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", page)
        assert parse_card(text) == parse_card(make.SEED_CARD)

    def test_the_first_draft_of_a_card_begins_empty(self, operator: Client) -> None:
        make.rate_card()
        card = create_rate_card(code="new", name="New", currency="USD")

        page = operator.get(f"{DRAFT}?rate_card={card.pk}").content.decode()

        assert re.findall(r"<textarea[^>]*>\s*</textarea>", page)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [("model: 1: 2", "line 1"), (make.SEED_CARD.replace("usd", "eur"), "in USD")],
    )
    def test_what_is_wrong_is_said(
        self, operator: Client, text: str, problem: str
    ) -> None:
        page = _draft(operator, make.rate_card().pk, text)

        assert problem in page
        assert RateCardVersion.objects.count() == 1

    def test_a_draft_is_published_from_its_date(self, operator: Client) -> None:
        draft = draft_version(
            rate_card=make.rate_card(), card=parse_card(make.SEED_CARD)
        )
        url = f"{VERSIONS}{draft.pk}/change/"
        date = {"effective_from_0": "2999-01-01", "effective_from_1": "00:00:00"}

        operator.post(url, date)
        _publish(operator, draft.pk)

        draft.refresh_from_db()
        assert draft.published_by == "operator"
        assert draft.effective_from
        assert draft.effective_from.year == 2999

    def test_a_draft_shows_what_it_changes_and_is_published(
        self, operator: Client
    ) -> None:
        text = make.SEED_CARD.replace("0.012", "0.015")
        draft = draft_version(rate_card=make.rate_card(), card=parse_card(text))
        url = f"{VERSIONS}{draft.pk}/change/"
        date = {"effective_from_0": "", "effective_from_1": ""}

        page = operator.get(url).content.decode()
        after = operator.post(url, date | {"_publish": ""}, follow=True)

        draft.refresh_from_db()
        assert f"1 change from {draft.rate_card} v1" in page
        assert "$0.015 per 1,000 tokens" in page
        assert "+25%" in page
        assert "No call is priced by" in page
        assert draft.published_by == "operator"
        assert "Save and publish" not in after.content.decode()

    def test_a_date_that_publishing_refuses_is_not_kept(self, operator: Client) -> None:
        text = make.SEED_CARD.replace("0.012", "0.015")
        draft = draft_version(rate_card=make.rate_card(), card=parse_card(text))
        date = {"effective_from_0": "2026-01-01", "effective_from_1": "00:00:00"}

        page = operator.post(
            f"{VERSIONS}{draft.pk}/change/", date | {"_publish": ""}, follow=True
        )

        draft.refresh_from_db()
        assert "2026-01-01 00:00 is past" in page.content.decode()
        assert (draft.effective_from, draft.published_at) == (None, None)

    def test_a_date_that_is_taken_is_refused(self, operator: Client) -> None:
        card = make.rate_card()
        draft = draft_version(rate_card=card, card=parse_card(make.SEED_CARD))
        draft.effective_from = card.versions.get(number=1).effective_from
        draft.save()

        assert "takes effect at" in _publish(operator, draft.pk)

    def test_a_version_is_downloaded_as_yaml(self, operator: Client) -> None:
        version = make.rate_card(code="list").versions.get()

        response = operator.get(f"{VERSIONS}{version.pk}/prices.yaml")

        assert response["Content-Disposition"] == 'attachment; filename="list-v1.yaml"'
        assert parse_card(response.content.decode()) == parse_card(make.SEED_CARD)

    def test_only_who_may_see_versions_downloads_them(self, client: Client) -> None:
        client.force_login(User.objects.create_user("clerk", is_staff=True))
        version = make.rate_card().versions.get()

        response = client.get(f"{VERSIONS}{version.pk}/prices.yaml")

        assert response.status_code == 403
        assert client.get(f"{VERSIONS}{version.pk}/change/").status_code == 403

    def test_a_draft_is_deleted_and_a_published_version_is_not(
        self, operator: Client
    ) -> None:
        card = make.rate_card()
        draft = draft_version(rate_card=card, card=parse_card(make.SEED_CARD))
        published = card.versions.get(number=1)

        asked = operator.get(f"{VERSIONS}{draft.pk}/delete/").content.decode()
        operator.post(f"{VERSIONS}{draft.pk}/delete/", {"post": "yes"})
        refused = operator.post(f"{VERSIONS}{published.pk}/delete/", {"post": "yes"})

        assert str(draft) in asked
        assert refused.status_code == 403
        assert card.versions.get() == published

    def test_many_models_are_shown_page_by_page(self, operator: Client) -> None:
        text = "---\n".join(
            make.SEED_CARD.replace("text-gen-v3", f"model-{number}")
            for number in range(30)
        )
        version = make.rate_card(text).versions.get()
        url = f"{VERSIONS}{version.pk}/change/"

        first = operator.get(url).content.decode()
        second = operator.get(url, {"prices": "2"}).content.decode()

        assert "Page 1 of 2" in first
        assert ("model-24" in first, "model-25" in first) == (True, False)
        assert "model-25" in second

    def test_more_changes_than_a_page_holds_are_counted(self, operator: Client) -> None:
        text = "---\n".join(
            make.SEED_CARD.replace("text-gen-v3", f"model-{number}")
            for number in range(202)
        )
        draft = draft_version(rate_card=make.rate_card(), card=parse_card(text))

        page = operator.get(f"{VERSIONS}{draft.pk}/change/").content.decode()

        assert "203 changes from" in page
        assert "And 3 more" in page

    def test_a_version_that_is_not_there_is_looked_for_in_vain(
        self, operator: Client
    ) -> None:
        page = operator.get(f"{VERSIONS}0/change/", follow=True).content.decode()

        assert "Perhaps it was deleted?" in page

    def test_a_published_version_is_not_published_again(self, operator: Client) -> None:
        version = make.rate_card().versions.get()

        assert "was not published" in _publish(operator, version.pk)


VERSIONS = "/admin/billing/ratecardversion/"
DRAFT = f"{VERSIONS}add/"


def _draft(operator: Client, card_id: int, text: str) -> str:
    form = {"rate_card": card_id, "prices": text}
    return operator.post(DRAFT, form).content.decode()


def _publish(operator: Client, version_id: int) -> str:
    form = {"action": "publish", "_selected_action": [version_id]}
    page = operator.post(VERSIONS, form, follow=True)
    return page.content.decode()
