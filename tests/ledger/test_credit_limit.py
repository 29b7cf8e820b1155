from decimal import Decimal

import pytest
from django.db import IntegrityError

from ledger.models import Entry
from ledger.services import set_credit_limit
from tests import audit, make

pytestmark = pytest.mark.django_db


def test_sets_how_far_a_wallet_may_be_overdrawn() -> None:
    wallet, other = make.wallet(), make.wallet()

    returned = set_credit_limit(wallet_id=wallet.pk, credit_limit=Decimal("2.5"))

    wallet.refresh_from_db()
    other.refresh_from_db()
    assert returned.credit_limit == wallet.credit_limit == Decimal("2.5")
    assert other.credit_limit == 0


def test_moves_no_credits() -> None:
    wallet = make.wallet(credit_limit="20")
    make.spend(wallet, "7")

    set_credit_limit(wallet_id=wallet.pk, credit_limit=Decimal(5))

    wallet.refresh_from_db()
    assert wallet.balance == -7
    assert Entry.objects.count() == 1
    assert audit.differences() == []


@pytest.mark.parametrize("limit", ["-0.01", "1e19"])
def test_refuses_what_the_database_refuses(limit: str) -> None:
    wallet = make.wallet()

    with pytest.raises(IntegrityError, match="credit_limit_not_negative"):
        set_credit_limit(wallet_id=wallet.pk, credit_limit=Decimal(limit))
