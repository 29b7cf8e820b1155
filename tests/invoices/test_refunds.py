"""What can be refunded, what it takes, and who has to agree."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError

from invoices.models import Refund
from invoices.queries.refund_plans import plan_refund
from invoices.queries.refunds import (
    AmountNotRefundableError,
    NotAPurchaseError,
    NotPaidError,
    RefundTooLargeError,
    quote_refund,
)
from invoices.services.purchases import buy_pack
from invoices.services.refunds import (
    RefundKeyReusedError,
)
from ledger.models import Entry
from ledger.services import expire_wallet
from tests import make
from tests.invoices.refunding import (
    assert_books_agree,
    bought,
    customer,
    left,
    moves,
    refund,
    use,
)
from tests.invoices.state import final
from tests.make import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


class TestQuote:
    def test_is_everything_that_was_never_used(self) -> None:
        quote = quote_refund(invoice=bought(bonus="5"), at=NOW)

        assert make.row(quote.money, quote.credits, quote.bonus) == (50, 50, 5)
        assert make.row(quote.used, quote.refunded) == (0, 0)

    def test_is_rounded_down_to_the_currency(self) -> None:
        quote = quote_refund(invoice=bought(used="0.001"), at=NOW)

        assert quote.money == Decimal("49.99")
        assert quote.credits == Decimal("49.99")
        assert quote.used == Decimal("0.001")

    def test_is_pro_rata_to_the_price_paid(self) -> None:
        invoice = bought("30", credits="40", used="20")

        quote = quote_refund(invoice=invoice, at=NOW)

        assert make.row(quote.money, quote.credits) == (15, 20)

    def test_counts_what_went_back_already(self) -> None:
        invoice = bought()
        refund(invoice, "20")

        quote = quote_refund(invoice=invoice, at=NOW)

        assert make.row(quote.money, quote.credits, quote.refunded) == (30, 30, 20)

    def test_is_nothing_from_the_moment_of_expiry(self) -> None:
        invoice = bought(bonus="5", days=30)

        before = quote_refund(invoice=invoice, at=NOW + 30 * DAY - DAY)
        after = quote_refund(invoice=invoice, at=NOW + 30 * DAY)

        assert before.money == 50
        assert make.row(after.money, after.bonus, after.is_expired) == (0, 0, True)

    def test_is_nothing_once_the_expired_lot_was_swept(self) -> None:
        invoice = bought(days=30)
        wallet_id = invoice.customer.wallet_id
        later = NOW + 90 * DAY
        expire_wallet(wallet_id=wallet_id, expired_before=later, actor="sweep")

        assert quote_refund(invoice=invoice, at=later).money == 0

    def test_leaves_what_an_overdraft_needs(self) -> None:
        buyer = customer()
        use(buyer, "10")
        invoice = bought(by=buyer)
        # Usage from before the purchase came late.
        use(buyer, "15", at=NOW - DAY)

        quote = quote_refund(invoice=invoice, at=NOW)

        assert make.row(quote.used, quote.money) == (10, 25)

    def test_takes_no_credits_of_other_lots(self) -> None:
        buyer = customer(credits="30")
        use(buyer, "30")
        invoice = bought(by=buyer, used="50")
        make.lot(buyer.wallet, "30")

        assert quote_refund(invoice=invoice, at=NOW).money == 0

    def test_an_invoice_for_usage_has_none(self) -> None:
        buyer = customer(credits="50")
        use(buyer, "10")

        with pytest.raises(NotAPurchaseError, match="void the calls"):
            quote_refund(invoice=final(buyer), at=NOW)

    def test_an_unpaid_purchase_has_none(self) -> None:
        invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=NOW)

        with pytest.raises(NotPaidError):
            quote_refund(invoice=invoice, at=NOW)


class TestPlan:
    def test_lists_the_entries_the_bonus_first(self) -> None:
        quote = quote_refund(invoice=bought(bonus="5"), at=NOW)

        plan = plan_refund(quote=quote, amount=Decimal(20))

        assert [make.row(each.amount, each.book) for each in plan.entries] == [
            (5, "promotion"),
            (20, "refunded"),
        ]
        assert make.row(plan.money, plan.credits, plan.bonus) == (20, 20, 5)

    def test_credits_are_rounded_up(self) -> None:
        invoice = bought("3", credits="7")

        for key in ("a", "b", "c"):
            refund(invoice, "1", key=key)

        taken = Refund.objects.order_by("pk").values_list("credits", flat=True)
        assert [*taken] == [
            Decimal("2.333333333333333334"),
            Decimal("2.333333333333333334"),
            Decimal("2.333333333333333332"),
        ]
        assert left(invoice) == (0, 0)

    @pytest.mark.parametrize("amount", ["0", "-1", "0.001"])
    def test_refuses_an_amount_that_cannot_be_paid(self, amount: str) -> None:
        quote = quote_refund(invoice=bought(), at=NOW)

        with pytest.raises(AmountNotRefundableError):
            plan_refund(quote=quote, amount=Decimal(amount))


class TestRequest:
    def test_takes_the_bonus_and_then_the_credits(self) -> None:
        invoice = bought(bonus="5", used="10")

        made = refund(invoice, "20")

        assert moves(made) == [("refund", "refunded", -20)]
        assert left(invoice) == (20, 0, 20)

    def test_voids_the_bonus_as_a_whole_on_the_first_refund(self) -> None:
        invoice = bought(bonus="5")

        first = refund(invoice, "20")
        second = refund(invoice, "10", key="key-2")

        assert moves(first) == [
            ("refund", "promotion", -5),
            ("refund", "refunded", -20),
        ]
        assert moves(second) == [("refund", "refunded", -10)]
        assert make.row(first.credits, first.bonus_credits) == (20, 5)
        assert_books_agree()

    def test_names_what_is_too_much(self) -> None:
        with pytest.raises(RefundTooLargeError, match=r"40\.01 USD is more than 40,"):
            refund(bought(used="10"), "40.01")

        assert not Refund.objects.exists()

    def test_of_everything_is_no_more_than_is_unused(self) -> None:
        made = refund(bought(used="10"))

        assert make.row(made.amount, made.credits, made.status) == (
            *(40, 40),
            "withdrawn",
        )

    def test_of_what_was_not_paid_is_refused(self) -> None:
        invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=NOW)

        with pytest.raises(NotPaidError):
            refund(invoice)

    def test_is_the_same_by_the_same_key(self) -> None:
        invoice = bought()
        made = refund(invoice, "20")

        assert refund(invoice, "20") == refund(invoice) == made
        assert left(invoice) == (30, 30)

    def test_refuses_the_same_key_for_another_amount(self) -> None:
        invoice = bought()
        refund(invoice, "20")

        with pytest.raises(RefundKeyReusedError):
            refund(invoice, "20.01")

    def test_is_undone_as_a_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        invoice = bought()
        with monkeypatch.context() as broken:
            broken.setattr(Refund, "save", _fail_to_update)
            with pytest.raises(IntegrityError):
                refund(invoice)

        assert not Refund.objects.exists()
        assert not Entry.objects.filter(kind="refund").exists()
        assert left(invoice) == (50, 50)


def _fail_to_update(self: Refund, **options: object) -> None:
    if self.pk:
        raise IntegrityError
    super(Refund, self).save(**options)  # type: ignore[arg-type]
