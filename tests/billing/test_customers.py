from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import ApiKey, CreditPack, Customer, Membership
from billing.models.customers import Role
from billing.services.customers import (
    EVENTS_WRITE,
    UnknownKeyError,
    UnknownTimeZoneError,
    add_member,
    authenticate_key,
    create_customer,
    issue_api_key,
    revoke_api_key,
)
from billing.services.grants import grant_pack
from ledger.models import CreditLot
from tests import make

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class TestCreateCustomer:
    def test_makes_up_an_id_when_none_is_given(self) -> None:
        customer = create_customer(name="Ada", email="a@b.c", plan=make.plan())

        assert customer.external_id.startswith("cus_")
        assert len(customer.external_id) == 20

    def test_opens_an_empty_wallet_in_the_plans_currency(self) -> None:
        customer = create_customer(
            name="Ada", email="a@b.c", plan=make.plan(), credit_limit=Decimal(5)
        )

        assert make.row(customer.wallet.currency, customer.wallet.balance) == ("USD", 0)
        assert customer.wallet.credit_limit == 5

    def test_names_the_customer(self) -> None:
        assert str(make.customer()) == "Example Labs (cus_abc123)"


class TestAddMember:
    def test_again_changes_the_role(self) -> None:
        customer = make.customer()
        user = make.member(customer)

        add_member(customer=customer, user=user, role=Role.VIEWER)

        membership = Membership.objects.get()
        assert membership.role == Role.VIEWER
        assert str(membership) == "ada@example.com for Example Labs (cus_abc123)"


class TestIssueApiKey:
    def test_shows_the_secret_once_and_stores_its_hash(self) -> None:
        issued = issue_api_key(name="gateway", scopes=[EVENTS_WRITE])

        stored = ApiKey.objects.get()
        assert issued.secret.startswith(f"{stored.prefix}.")
        assert issued.secret.partition(".")[2] not in stored.hashed_key
        assert len(issued.secret.partition(".")[2]) == 40
        assert stored.is_service_key
        assert str(stored) == f"gateway ({stored.prefix}…)"

    def test_for_a_customer_is_no_service_key(self) -> None:
        key = make.key_of(make.customer_key(make.customer()))

        assert not key.is_service_key


class TestAuthenticateKey:
    def test_notes_when_the_key_was_used(self) -> None:
        secret = make.service_key()

        authenticate_key(secret=secret, at=make.NOW)

        assert make.key_of(secret).last_used_at == make.NOW

    @pytest.mark.parametrize(
        ("later", "noted"), [(MINUTE, 0), (MINUTE + timedelta(seconds=1), 1)]
    )
    def test_notes_it_once_a_minute(self, later: timedelta, noted: int) -> None:
        secret = make.service_key()
        authenticate_key(secret=secret, at=make.NOW)

        authenticate_key(secret=secret, at=make.NOW + later)

        used = make.key_of(secret).last_used_at
        assert used == make.NOW + noted * later

    def test_refuses_a_revoked_key(self) -> None:
        secret = make.service_key()
        revoke_api_key(key=make.key_of(secret), at=make.NOW)

        with pytest.raises(UnknownKeyError):
            authenticate_key(secret=secret, at=make.NOW)


def test_revoking_twice_keeps_the_first_time() -> None:
    secret = make.service_key()
    revoke_api_key(key=make.key_of(secret), at=make.NOW)

    revoke_api_key(key=make.key_of(secret), at=make.NOW + MINUTE)

    assert make.key_of(secret).revoked_at == make.NOW


class TestGrantPack:
    def give(self, customer: Customer, pack: CreditPack) -> list[CreditLot]:
        return grant_pack(
            customer=customer, pack=pack, reference="i:1", actor="ada", at=make.NOW
        )

    def test_grants_paid_credits_and_bonus_apart(self) -> None:
        paid, bonus = self.give(make.customer(), make.pack(price="50", bonus="5"))

        assert make.row(paid.source, paid.granted, paid.price_paid) == (
            "purchase",
            50,
            50,
        )
        assert make.row(bonus.source, bonus.granted, bonus.price_paid) == (
            "promotion",
            5,
            0,
        )
        assert paid.expires_at == bonus.expires_at == make.NOW + timedelta(days=365)

    def test_without_a_bonus_grants_one_lot(self) -> None:
        [lot] = self.give(make.customer(), make.pack(days=None))

        assert lot.expires_at is None

    def test_for_the_same_reference_grants_once(self) -> None:
        customer = make.customer()
        pack = make.pack(bonus="5")
        first = self.give(customer, pack)

        assert self.give(customer, pack) == first
        assert CreditLot.objects.count() == 2


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../UTC"])
def test_a_customer_lives_in_a_time_zone_that_exists(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError):
        make.customer(time_zone=name)
