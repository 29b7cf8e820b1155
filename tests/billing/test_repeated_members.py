"""Bodies that say a member twice."""

import pytest

from billing.posted_json import BadPropertiesError, decode_properties
from billing.repeated_members import RepeatedMemberError, check_unrepeated


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a": 1, "a": 1}', "a"),
        ('{"a": 1, "\\u0061": 2}', "a"),
        ('{"a": {"b": [0, {"c": 1, "d": 2, "c": 3}]}}', "a b 1 c"),
        ('{"a": {"b": 1, "b": 2}, "c": 0, "c": 1}', "c"),
        ('[{"a": 1}, {"a": 1, "a": 2}]', "1 a"),
        ('{"a": {"b": 1, "b": 2}, "a": {}}', "a"),
    ],
)
def test_are_refused_with_the_way_that_leads_there(text: str, path: str) -> None:
    with pytest.raises(RepeatedMemberError) as refused:
        check_unrepeated(text.encode())

    assert refused.value.path == tuple(path.split())


@pytest.mark.parametrize(
    "text",
    ['{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}', f'{{"a": {"9" * 5_000}}}', "null"],
)
def test_of_different_objects_are_not_the_same(text: str) -> None:
    check_unrepeated(text.encode())


def test_of_typed_properties_are_refused() -> None:
    with pytest.raises(BadPropertiesError, match="'tokens' is there twice"):
        decode_properties('{"tokens": 1, "tokens": 2}')
