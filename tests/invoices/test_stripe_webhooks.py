"""Events in by HTTP, credits out. F1 to F3 are cases that others met before us."""

from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone

from invoices.models import (
    Invoice,
    Payment,
    PaymentMethod,
    PaymentStatus,
    ProviderEvent,
    Status,
)
from invoices.services.asking import settle_payment
from ledger.models import CreditLot
from tests.invoices import captures
from tests.invoices.captures import captured
from tests.invoices.stripe_fake import Object, StripeFake
from tests.invoices.stripe_state import (
    begin,
    begin_unattended,
    call,
    open_page,
    post,
    post_body,
)

COMPLETED = "checkout.session.completed"
EXPIRED = "checkout.session.expired"
SUCCEEDED_LATER = "checkout.session.async_payment_succeeded"
FAILED_LATER = "checkout.session.async_payment_failed"


def credits() -> int:
    """Return what was granted, in whole credits."""
    return int(sum(CreditLot.objects.values_list("granted", flat=True)))


@pytest.mark.django_db
class TestWebhook:
    def test_f1_paid_and_told_twice_is_credited_once(self, fake: StripeFake) -> None:
        open_page()
        paid = fake.pay("cs_test_1")

        answers = [post(COMPLETED, paid, event_id="evt_3") for _ in range(2)]

        assert [each.status_code for each in answers] == [200, 200]
        assert credits() == 50
        assert CreditLot.objects.count() == 1
        assert ProviderEvent.objects.count() == 1

    @pytest.mark.usefixtures("fake")
    def test_f1_as_it_was_captured(self) -> None:
        call(begin(), "tenant-42")
        body = captured(captures.SESSION_COMPLETED).body.encode()

        answers = [post_body(body) for _ in range(2)]

        assert [each.status_code for each in answers] == [200, 200]
        assert credits() == 50

    def test_f2_another_secret_is_refused(self, fake: StripeFake) -> None:
        open_page()

        response = post(COMPLETED, fake.pay("cs_test_1"), secret="whsec_another")

        assert response.status_code == 400
        assert not ProviderEvent.objects.exists()
        assert credits() == 0

    def test_f3_one_from_301_seconds_ago_is_refused(self, fake: StripeFake) -> None:
        open_page()
        at = timezone.now() - timedelta(seconds=301)

        response = post(COMPLETED, fake.pay("cs_test_1"), at=at)

        assert response.status_code == 400
        assert msgspec.json.decode(response.content)["code"] == "StaleWebhookError"
        assert credits() == 0

    def test_is_kept_as_it_was_posted(self, fake: StripeFake) -> None:
        open_page()
        paid = fake.pay("cs_test_1")

        post(COMPLETED, paid, event_id="evt_3")

        stored = ProviderEvent.objects.get()
        assert (stored.provider, stored.event_id) == ("stripe", "evt_3")
        assert stored.kind == COMPLETED
        assert stored.payload["data"]["object"] == paid

    def test_notes_what_stripe_calls_the_payment(self, fake: StripeFake) -> None:
        payment = open_page()

        post(COMPLETED, fake.pay("cs_test_1"))

        payment.refresh_from_db()
        assert payment.status == PaymentStatus.SUCCEEDED
        assert payment.provider_reference == "pi_1"

    def test_a_page_left_unpaid_credits_nothing(self, fake: StripeFake) -> None:
        open_page()

        response = post(COMPLETED, fake.pay("cs_test_1", unpaid=True))

        assert response.status_code == 200
        assert credits() == 0
        assert Payment.objects.get().status == PaymentStatus.PENDING

    @pytest.mark.parametrize("wrong", [{"amount_total": 500}, {"currency": "eur"}])
    def test_another_amount_or_currency_is_kept_and_refused(
        self, fake: StripeFake, wrong: Object
    ) -> None:
        open_page()

        response = post(COMPLETED, fake.pay("cs_test_1") | wrong)

        assert response.status_code == 422
        assert ProviderEvent.objects.count() == 1
        assert credits() == 0
        assert Payment.objects.get().status == PaymentStatus.PENDING

    def test_a_payment_of_ours_that_is_unknown_is_kept_and_refused(
        self, fake: StripeFake
    ) -> None:
        open_page()
        said = fake.pay("cs_test_1") | {"metadata": {"payment": "lost"}}

        assert post(COMPLETED, said).status_code == 422
        assert ProviderEvent.objects.count() == 1

    def test_what_others_sell_in_the_same_account_does_no_harm(
        self, fake: StripeFake
    ) -> None:
        open_page()
        said = fake.pay("cs_test_1") | {
            "client_reference_id": "tenant-42",
            "metadata": {},
        }

        assert post(COMPLETED, said).status_code == 200
        assert post("customer.created", {"id": "cus_2"}).status_code == 200
        assert credits() == 0

    @pytest.mark.parametrize(
        "kinds",
        [
            [EXPIRED, COMPLETED],
            [COMPLETED, EXPIRED],
            [FAILED_LATER, SUCCEEDED_LATER],
            [SUCCEEDED_LATER, COMPLETED, FAILED_LATER],
        ],
    )
    def test_in_any_order_what_was_paid_is_credited_once(
        self, fake: StripeFake, kinds: list[str]
    ) -> None:
        open_page()
        paid = fake.pay("cs_test_1")

        answers = [post(kind, paid) for kind in kinds]

        assert {each.status_code for each in answers} == {200}
        assert credits() == 50
        assert Payment.objects.get().status == PaymentStatus.SUCCEEDED

    def test_what_was_asked_about_before_is_not_credited_again(
        self, fake: StripeFake
    ) -> None:
        payment = open_page()
        paid = fake.pay("cs_test_1")

        settle_payment(payment_id=payment.pk, at=timezone.now())
        response = post(COMPLETED, paid)

        assert response.status_code == 200
        assert CreditLot.objects.count() == 1

    def test_a_page_that_expired_fails_and_the_invoice_stays_open(
        self, fake: StripeFake
    ) -> None:
        open_page()

        post(EXPIRED, fake.expire("cs_test_1"))

        payment = Payment.objects.get()
        assert (payment.status, payment.failure) == (PaymentStatus.FAILED, "expired")
        assert Invoice.objects.get().status == Status.OPEN

    def test_keeps_the_card_of_who_asked_for_it(self, fake: StripeFake) -> None:
        payment = open_page(saves_method=True)

        post(COMPLETED, fake.pay("cs_test_1"))

        kept = PaymentMethod.objects.get()
        assert kept.customer == payment.invoice.customer
        assert (kept.provider, kept.provider_customer) == ("stripe", "cus_1")
        assert (kept.reference, kept.label) == ("pm_1", "Visa ending in 4242")

    def test_what_could_not_be_asked_is_told_again(self, fake: StripeFake) -> None:
        open_page(saves_method=True)
        paid = fake.pay("cs_test_1")
        fake.broken = 3

        first = post(COMPLETED, paid, event_id="evt_3")
        granted = credits()
        second = post(COMPLETED, paid, event_id="evt_3")

        assert (first.status_code, granted) == (503, 0)
        assert (second.status_code, credits()) == (200, 50)
        assert ProviderEvent.objects.count() == 1
        assert PaymentMethod.objects.count() == 1

    def test_what_was_cut_off_after_it_was_kept_is_done_when_told_again(
        self, fake: StripeFake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_page()
        paid = fake.pay("cs_test_1")
        with monkeypatch.context() as cut:
            cut.setattr("invoices.services.webhooks.act_on", _cut_off)
            with pytest.raises(KeyboardInterrupt):
                post(COMPLETED, paid, event_id="evt_3")
        kept, granted = ProviderEvent.objects.count(), credits()

        post(COMPLETED, paid, event_id="evt_3")

        assert (kept, granted) == (1, 0)
        assert credits() == 50

    def test_an_unattended_charge_may_be_told_by_its_event(
        self, fake: StripeFake
    ) -> None:
        payment = begin_unattended()
        labels = {"payment": payment.reference}
        said = {"id": "pi_1", "amount": 2000, "currency": "usd", "metadata": labels}

        for _ in range(2):
            post("payment_intent.succeeded", said | {"status": "succeeded"})

        payment.refresh_from_db()
        assert payment.provider_reference == "pi_1"
        assert credits() == 70
        assert not fake.asked


def _cut_off(**_: object) -> None:
    raise KeyboardInterrupt
