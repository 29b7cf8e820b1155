"""What events of refunds and disputes say in our words."""

from decimal import Decimal

import pytest

from invoices.models import DisputeStatus
from invoices.payments import (
    ChargeRefunded,
    DisputeNews,
    Progress,
    RefundNews,
    SignedEvent,
)
from invoices.payments.stripe import StripeProvider
from tests import make
from tests.invoices import captures
from tests.invoices.captures import captured_event
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_server import (
    charge_of,
    dispute_of,
)
from tests.invoices.stripe_state import (
    keep_card,
    open_page,
    read,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake")]

_PAYER = {"currency": "usd", "payment_method": "pm_2"}


class TestReadMoneyThatGoesBack:
    def test_a_charge_tells_what_went_back_in_all(self, fake: StripeFake) -> None:
        open_page()
        fake.pay("cs_test_1")
        for amount in ("2000", "1500"):
            fake.create_refund({"payment_intent": "pi_1", "amount": amount})

        news = read("charge.refunded", charge_of(fake, "pi_1"))

        assert news == ChargeRefunded(
            provider_reference="pi_1", amount_refunded=Decimal(35), currency="USD"
        )

    def test_the_captured_one_is_understood(self) -> None:
        keep_card(make.customer())
        said = captured_event(captures.CHARGE_REFUNDED)
        said["data"]["object"]["payment_intent"] = "pi_kept"

        news = StripeProvider().read(SignedEvent("evt_4", "charge.refunded", said))

        assert isinstance(news, ChargeRefunded)
        assert news.amount_refunded == Decimal("20.00")

    @pytest.mark.parametrize("end", ["refund.updated", "refund.failed"])
    def test_a_refund_of_ours_is_told(self, end: str) -> None:
        said = {"id": "re_1", "status": "failed", "metadata": {"refund": "ours"}}

        news = read(end, said | {"failure_reason": "lost_or_stolen_card"})

        assert news == RefundNews(
            reference="ours",
            progress=Progress.FAILED,
            provider_reference="re_1",
            failure="lost_or_stolen_card",
        )
        assert read("charge.refund.updated", said)

    def test_a_refund_made_in_stripes_pages_is_told_by_its_charge(self) -> None:
        said = {"id": "re_1", "status": "succeeded", "metadata": {}}

        assert read("refund.updated", said) is None

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("needs_response", DisputeStatus.OPEN),
            ("under_review", DisputeStatus.OPEN),
            ("won", DisputeStatus.WON),
            ("warning_closed", DisputeStatus.WON),
            ("lost", DisputeStatus.LOST),
        ],
    )
    def test_a_dispute_tells_how_it_stands(
        self, fake: StripeFake, status: str, expected: DisputeStatus
    ) -> None:
        open_page()
        fake.pay("cs_test_1")

        for end in ("created", "updated", "closed", "funds_withdrawn"):
            news = read(f"charge.dispute.{end}", dispute_of("pi_1", status=status))

            assert news == DisputeNews(
                provider_reference="pi_1",
                dispute="dp_pi_1",
                status=expected,
                amount=Decimal(50),
                currency="USD",
                reason="fraudulent",
            )

    @pytest.mark.parametrize(
        "status", ["warning_needs_response", "warning_under_review", "prevented"]
    )
    def test_an_inquiry_moves_no_money(self, fake: StripeFake, status: str) -> None:
        open_page()
        fake.pay("cs_test_1")

        said = dispute_of("pi_1", status=status)

        assert read("charge.dispute.created", said) is None

    @pytest.mark.parametrize("kind", ["charge.refunded", "charge.dispute.created"])
    def test_another_ones_is_no_concern(self, fake: StripeFake, kind: str) -> None:
        fake.create_intent({"customer": "cus_2", "amount": "1", **_PAYER})
        said = charge_of(fake, "pi_1") | dispute_of("pi_1", status="lost")

        assert read(kind, said) is None
        assert read(kind, said | {"payment_intent": "pi_unknown"}) is None
        assert read(kind, said | {"payment_intent": None}) is None

    @pytest.mark.parametrize("kind", ["charge.refunded", "charge.dispute.created"])
    def test_one_of_ours_that_was_paid_before_is_known_without_asking(
        self, fake: StripeFake, kind: str
    ) -> None:
        keep_card(make.customer())
        fake.create_intent({"customer": "cus_2", "amount": "1", **_PAYER})
        said = charge_of(fake, "pi_1") | dispute_of("pi_kept", status="lost")

        assert read(kind, said)
        assert not fake.asked
