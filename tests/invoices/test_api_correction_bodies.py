"""What the bodies of corrections must hold."""

import pytest

from billing.models import Correction
from tests import make
from tests.http import correct
from tests.invoices.test_api_corrections import AMEND, PROPERTIES, VOID, pointers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def event() -> None:
    make.customer(credits="50")
    make.record(make.event())


class TestABody:
    @pytest.mark.parametrize("how", ["void", "amend"])
    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"reason": None}, "#/reason"),
            ({"reason": ""}, "#/reason"),
            ({"reason": " \n"}, "#/reason"),
            ({"reason": "x" * 501}, "#/reason"),
            ({"reason": "a\0b"}, None),
            ({"customer_id": 7}, "#/customer_id"),
            ({"undo": True}, "#/undo"),
        ],
    )
    def test_that_is_wrong_is_refused_by_name(
        self, how: str, change: dict[str, object], pointer: str | None
    ) -> None:
        body = (AMEND if how == "amend" else VOID) | change

        answer = correct("req_1", how, body)

        assert answer.status_code == 400
        assert not pointer or pointers(answer) == [pointer]
        assert not Correction.objects.exists()

    @pytest.mark.parametrize(
        ("member", "how"),
        [("reason", "void"), ("idempotency_key", "amend"), ("properties", "amend")],
    )
    def test_names_what_is_missing(self, member: str, how: str) -> None:
        body = AMEND if how == "amend" else VOID
        answer = correct("req_1", how, {k: body[k] for k in body if k != member})

        assert (answer.status_code, pointers(answer)) == (400, [f"#/{member}"])

    @pytest.mark.parametrize(
        "text", ["", "[]", "{", "7", '{"reason": "\\ud800"}', "\0"]
    )
    def test_that_is_no_object_is_refused(self, text: str) -> None:
        assert correct("req_1", "void", text).status_code == 400

    def test_may_not_be_nested_deeper_than_an_event(self) -> None:
        deep: object = 1
        for _ in range(40):
            deep = [deep]
        body = AMEND | {"properties": PROPERTIES | {"deep": deep}}

        assert correct("req_1", "amend", body).status_code == 400
