"""What clients send by mistake or with intent: refused or kept, never half taken."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.api.ingest.decoding import MAX_BYTES
from billing.models import UsageEvent
from billing.posted_json import MAX_DEPTH, MAX_NUMBER
from tests import audit, make
from tests.http import SEED, event, post, with_property

pytestmark = pytest.mark.django_db


@pytest.fixture
def _customer() -> None:
    make.customer(credits="50")


MALFORMED = {
    "nothing": b"",
    "spaces": b"  \n",
    "a scalar": b"5",
    "a text": b'"event"',
    "null": b"null",
    "half an object": SEED[:50].encode(),
    "half a list": b"[",
    "two objects": b"{} {}",
    "a trailing comma": b"[{},]",
    "events that are no list": b'{"events": {}}',
    "a byte order mark": b"\xef\xbb\xbf" + SEED.encode(),
    "UTF-16": SEED.encode("utf-16"),
    "bytes that are no text": b"\xff\xfe",
    "deep brackets": b"[" * 200_000 + b"]" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "NaN": with_property("input_tokens", "NaN").encode(),
    "Infinity": with_property("input_tokens", "-Infinity").encode(),
    "full-width digits": with_property("input_tokens", "\uff19").encode(),
    "hexadecimal": with_property("input_tokens", "0x10").encode(),
    "leading zeros": with_property("input_tokens", "007").encode(),
    "underscores": with_property("input_tokens", "1_000").encode(),
    "a raw control character": with_property("note", '"\x00"').encode(),
}
REFUSED = {
    "1e400": with_property("note", "1e400"),
    "1e200000": with_property("note", "1e200000"),
    "1e-200000": with_property("note", "1e-200000"),
    "an endless exponent": with_property("note", "1e" + "9" * 50),
    "endless decimals": with_property("note", "0." + "1" * 20_000),
    "5,000 digits": with_property("note", "9" * 5000),
    "an escaped NUL": with_property("note", '"\\u0000"'),
    "an escaped NUL in a name": with_property("\\u0000", "1"),
    "half of a character": with_property("note", '"\\ud800"'),
    "a NUL in the key": SEED.replace("req_01", "req\\u0000"),
    "deep properties": with_property("note", "[" * 500 + "]" * 500),
    "deeper than the limit": with_property("n", "[" * MAX_DEPTH + "]" * MAX_DEPTH),
}
QUARANTINED = {
    "-1": "-1",
    "true": "true",
    "null": "null",
    "a list": "[1]",
    "2**63": str(2**63),
    "2**64": str(2**64),
    "10**15": str(10**15),
    "1e15": "1e15",
    "underscores": '"1_000"',
    "full-width digits": '"\\uff19"',
    "NaN as text": '"NaN"',
    "-0.5": "-0.5",
    "19 decimals": "0.0000000000000000001",
}


@pytest.mark.usefixtures("_customer")
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_is_a_bad_request(name: str) -> None:
    response = post(MALFORMED[name])

    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "parse_error"
    assert not UsageEvent.objects.exists()


@pytest.mark.usefixtures("_customer")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_stored_is_rejected(name: str) -> None:
    response = post(REFUSED[name])

    assert response.status_code == 422
    assert response.json()["status"] == "rejected"
    assert not UsageEvent.objects.exists()


@pytest.mark.usefixtures("_customer")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_stored_spoils_no_other(name: str) -> None:
    response = post(f"[{REFUSED[name]}, {json.dumps(event('fine'))}]")

    answers = response.json()["events"]
    assert [each["status"] for each in answers] == ["rejected", "accepted"]


@pytest.mark.usefixtures("_customer")
def test_bytes_that_are_no_text_spoil_no_other_event() -> None:
    broken = json.dumps(event("broken")).encode().replace(b"2847", b'"\xff"')

    answer = post(b"[" + broken + b"," + json.dumps(event()).encode() + b"]").json()

    assert [each["status"] for each in answer["events"]] == ["rejected", "accepted"]


@pytest.mark.usefixtures("_customer")
@pytest.mark.parametrize("name", QUARANTINED)
def test_what_is_no_quantity_is_kept_and_never_priced(name: str) -> None:
    response = post(with_property("output_images_tokens", QUARANTINED[name]))

    assert response.status_code == 202
    assert response.json()["errors"][0]["code"] == "bad_quantity"
    assert not UsageEvent.objects.exists()
    assert audit.differences() == []


@pytest.mark.usefixtures("_customer")
def test_a_body_beyond_the_limit_is_too_large() -> None:
    response = post(b" " * (MAX_BYTES + 1))

    assert response.status_code == 413
    assert response.json()["code"] == "payload_too_large"


@pytest.mark.usefixtures("_customer")
def test_a_body_at_the_limit_is_read() -> None:
    body = f"[{SEED}]".encode().ljust(MAX_BYTES)

    assert post(body).json()["accepted"] == 1


@pytest.mark.usefixtures("_customer")
@pytest.mark.parametrize(
    "number",
    ["1" * MAX_NUMBER, "1e99", "1e-99", "-0.0", "0e5", "1.50", "2.5E+3", str(-(2**70))],
)
def test_a_number_within_the_limit_comes_back_from_the_database(number: str) -> None:
    response = post(with_property("note", number))

    assert response.status_code == 200
    assert UsageEvent.objects.get().properties["note"] == Decimal(number)


@pytest.mark.usefixtures("_customer")
def test_depth_within_the_limit_comes_back_from_the_database() -> None:
    nested = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)

    post(with_property("note", nested))

    assert UsageEvent.objects.get().properties["note"] == json.loads(nested)


@pytest.mark.usefixtures("_customer")
def test_a_chunk_with_an_exponent_is_a_duplicate_after_its_stream_closed() -> None:
    first = event(stream={"sequence": 0, "final": False})
    text = json.dumps(first).replace("2847", "1e2")
    post(text)
    post(event(stream={"sequence": 1, "final": True}))

    assert post(text).json()["status"] == "duplicate"


# Whatever UTF-8 can carry and PostgreSQL can hold: all but surrogates and NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**80), 2**80), texts),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    key=texts.filter(lambda text: 0 < len(text) <= 255),
    properties=st.dictionaries(texts, values, max_size=4),
)
def test_any_text_comes_back_from_the_database(
    key: str, properties: dict[str, object]
) -> None:
    number = UsageEvent.objects.count()
    customer = make.customer(external_id=f"cus_{make.unique()}")
    known = {"model": "text-gen-v3", "input_tokens": 1}
    body = event(key, customer_id=customer.external_id, properties=properties | known)

    response = post(json.dumps(body, ensure_ascii=number % 2 == 0))

    stored = UsageEvent.objects.filter(customer=customer)
    assert response.status_code in {200, 202}
    if response.status_code == 200:
        assert stored.get().idempotency_key == key
        assert stored.get().properties == body["properties"]
