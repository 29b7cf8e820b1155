from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError

from billing.models import ApiKey, CapOwner, CapPeriod, Customer, SpendCap
from billing.queries.caps import Cap, list_caps
from billing.services.caps import (
    MOST_CAPS,
    CapAmountError,
    OperatorsCapError,
    OtherCustomersKeyError,
    TooManyCapsError,
    remove_cap,
)
from tests import make
from tests.billing.capping import cap, named_key
from tests.raw import CHECKED, refusal
from tests.threads import run_at_once


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits."""
    return make.customer(credits="10")


@pytest.fixture
def key(customer: Customer) -> ApiKey:
    """Return a key of the customer."""
    return named_key(customer)


def amounts() -> list[Decimal]:
    return list(SpendCap.objects.order_by("pk").values_list("amount", flat=True))


@pytest.mark.django_db
class TestSettingACap:
    def test_says_what_may_be_spent_and_who_said_so(self, customer: Customer) -> None:
        made = cap(customer, "2.50", model="gpt")

        stored = SpendCap.objects.get()
        assert stored == made
        assert (stored.amount, stored.model, stored.api_key) == (
            Decimal("2.5"),
            "gpt",
            None,
        )
        assert (stored.set_by, stored.actor) == ("customer", "ada")
        assert str(stored) == "Day cap of Example Labs (cus_abc123)"

    def test_replaces_that_of_the_same_calls(
        self, customer: Customer, key: ApiKey
    ) -> None:
        first = cap(customer, "1")
        cap(customer, "2", by="grace")
        cap(customer, "3", api_key=key)
        cap(customer, "4", api_key=key)

        assert amounts() == [2, 4]
        again = SpendCap.objects.get(pk=first.pk)
        assert again.actor == "grace"
        assert again.recorded_at >= first.recorded_at

    def test_leaves_those_of_other_calls(self, customer: Customer, key: ApiKey) -> None:
        cap(customer, "1")
        cap(customer, "2", period=CapPeriod.MONTH)
        cap(customer, "3", model="gpt")
        cap(customer, "4", api_key=key)
        cap(customer, "5", api_key=key, model="gpt")
        cap(customer, "6", owner=CapOwner.OPERATOR)

        assert amounts() == [1, 2, 3, 4, 5, 6]

    def test_may_allow_nothing(self, customer: Customer) -> None:
        cap(customer, "0")

        assert amounts() == [0]

    @pytest.mark.parametrize(
        "amount", ["-1", "NaN", "Infinity", "1000000000.01", "0.0000000000000000001"]
    )
    def test_is_exact(self, customer: Customer, amount: str) -> None:
        with pytest.raises(CapAmountError):
            cap(customer, amount)

        assert amounts() == []

    def test_takes_no_key_of_another(self, customer: Customer) -> None:
        other = named_key(make.customer(external_id="cus_other"))
        service = make.key_of(make.service_key())

        for foreign in (other, service):
            with pytest.raises(OtherCustomersKeyError):
                cap(customer, api_key=foreign)

    def test_stops_at_fifty_of_one_owner(self, customer: Customer) -> None:
        for number in range(MOST_CAPS):
            cap(customer, model=f"model-{number}")

        with pytest.raises(TooManyCapsError):
            cap(customer)
        cap(customer, "2", model="model-0")
        cap(customer, "3", owner=CapOwner.OPERATOR)

        assert SpendCap.objects.count() == MOST_CAPS + 1


@pytest.mark.django_db
class TestRemovingACap:
    def test_leaves_the_others(self, customer: Customer) -> None:
        first = cap(customer, "1")
        cap(customer, "2", period=CapPeriod.MONTH)

        remove_cap(customer=customer, cap_id=first.pk, owner=CapOwner.CUSTOMER)

        assert amounts() == [2]

    def test_of_an_operator_is_an_operators(self, customer: Customer) -> None:
        theirs = cap(customer, owner=CapOwner.OPERATOR)

        with pytest.raises(OperatorsCapError):
            remove_cap(customer=customer, cap_id=theirs.pk, owner=CapOwner.CUSTOMER)

        remove_cap(customer=customer, cap_id=theirs.pk, owner=CapOwner.OPERATOR)
        assert amounts() == []

    def test_of_a_customer_may_be_an_operators(self, customer: Customer) -> None:
        own = cap(customer)

        remove_cap(customer=customer, cap_id=own.pk, owner=CapOwner.OPERATOR)

        assert amounts() == []

    def test_of_another_customer_is_not_found(self, customer: Customer) -> None:
        other = cap(make.customer(external_id="cus_other"))

        with pytest.raises(SpendCap.DoesNotExist):
            remove_cap(customer=customer, cap_id=other.pk, owner=CapOwner.OPERATOR)

        assert amounts() == [1]


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_caps_of_the_same_calls_are_one(self) -> None:
        customer = make.customer()

        run_at_once([partial(cap, customer, str(number)) for number in range(8)])

        assert SpendCap.objects.count() == 1

    def test_no_more_than_fifty_are_set(self) -> None:
        customer = make.customer()
        for number in range(MOST_CAPS - 1):
            cap(customer, model=f"model-{number}")

        def attempt(model: str) -> bool:
            try:
                cap(customer, model=model)
            except TooManyCapsError:
                return False
            return True

        done = run_at_once([partial(attempt, f"new-{number}") for number in range(6)])

        assert sorted(done) == [False] * 5 + [True]
        assert SpendCap.objects.count() == MOST_CAPS


@pytest.mark.django_db
class TestTheDatabase:
    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE billing_spendcap SET amount = -1",
            "UPDATE billing_spendcap SET amount = 'NaN'",
            "UPDATE billing_spendcap SET period = 'week'",
            "UPDATE billing_spendcap SET set_by = 'nobody'",
        ],
    )
    def test_refuses_what_is_no_cap(self, customer: Customer, change: str) -> None:
        cap(customer)

        assert isinstance(refusal(change), CHECKED)

    def test_refuses_another_customers_key(
        self, customer: Customer, key: ApiKey
    ) -> None:
        other = make.customer(external_id="cus_other")
        own = cap(customer, api_key=key)

        moved = refusal("UPDATE billing_spendcap SET customer_id = %s", other.pk)
        with pytest.raises(IntegrityError, match="not the customer's"):
            SpendCap.objects.create(
                customer=other,
                api_key=own.api_key,
                period="day",
                amount=Decimal(1),
                set_by="customer",
                actor="x",
            )

        constraint = "billing_spendcap_key_of_its_customer"
        assert moved.diag.constraint_name == constraint


@pytest.mark.django_db
class TestACap:
    def test_is_listed_with_all_that_admission_needs(
        self, customer: Customer, key: ApiKey
    ) -> None:
        of_key = cap(customer, "2", api_key=key, owner=CapOwner.OPERATOR)
        of_all = cap(customer, "1", period=CapPeriod.MONTH, model="gpt")
        cap(make.customer(external_id="cus_other"))

        day, month = CapPeriod.DAY, CapPeriod.MONTH
        own, operator = CapOwner.CUSTOMER, CapOwner.OPERATOR
        assert list_caps(customer.pk) == [
            Cap(of_all.pk, customer.pk, None, "gpt", month, Decimal(1), own),
            Cap(of_key.pk, customer.pk, key.pk, "", day, Decimal(2), operator),
        ]

    @pytest.mark.parametrize(
        ("api_key_id", "model", "bound"),
        [
            (None, "", [(None, None), (7, "a"), (8, "b")]),
            (7, "", [(7, "a"), (7, None)]),
            (None, "a", [(None, "a"), (7, "a")]),
            (7, "a", [(7, "a")]),
        ],
    )
    def test_binds_calls_of_its_key_and_model(
        self, api_key_id: int | None, model: str, bound: list[tuple[int | None, str]]
    ) -> None:
        day, owner = CapPeriod.DAY, CapOwner.CUSTOMER
        tried = Cap(1, 1, api_key_id, model, day, Decimal(1), owner)
        calls = [(k, m) for k in (None, 7, 8) for m in (None, "a", "b")]

        binding = {(k, m) for k, m in calls if tried.binds(api_key_id=k, model=m)}

        assert binding >= set(bound)
        assert len(binding) == {"": 9, "a": 3}[model] // (3 if api_key_id else 1)
