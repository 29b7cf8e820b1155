"""How operators give money back that was not owed, after its refund failed."""

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from invoices.models import Refund, SimulatedPayment
from invoices.payments import Progress
from tests.admin_pages import post, read, staff, url_of
from tests.invoices.refunding import announce_refunded, answer, paid_twice

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed() -> Refund:
    return answer(paid_twice(), Progress.FAILED, "expired_or_canceled_card")


@pytest.fixture
def operator() -> Client:
    return staff("ada", "view_refund", "change_refund")


def test_it_is_offered_for_one_that_failed(operator: Client, failed: Refund) -> None:
    assert url_of(failed, "send_again") in read(operator, url_of(failed, "change"))

    page = read(operator, url_of(failed, "send_again"))

    assert "expired_or_canceled_card" in page
    assert "$50.00 of it is still to be given back" in page
    assert Refund.objects.count() == 1


def test_it_is_not_offered_for_one_on_its_way(operator: Client) -> None:
    made = paid_twice()

    assert url_of(made, "send_again") not in read(operator, url_of(made, "change"))
    assert operator.post(url_of(made, "send_again")).status_code == 403


def test_it_is_sent_once(
    operator: Client,
    failed: Refund,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            page = post(operator, url_of(failed, "send_again"))

    made = Refund.objects.exclude(pk=failed.pk).get()
    assert (made.requested_by, made.status) == ("ada", "withdrawn")
    assert f"refund {failed.pk} is sent again, as refund {made.pk}." in page


def test_it_says_why_nothing_is_sent(operator: Client, failed: Refund) -> None:
    SimulatedPayment.objects.update(refunded=50)
    announce_refunded(failed.payment, "50")

    page = post(operator, url_of(failed, "send_again"))

    assert "went back another way" in page


def test_it_is_for_those_who_may(failed: Refund) -> None:
    clerk = staff("clerk", "view_refund", "add_refund")

    assert clerk.post(url_of(failed, "send_again")).status_code == 403
    assert url_of(failed, "send_again") not in read(clerk, url_of(failed, "change"))
