"""What the log says of answers."""

import logging

import pytest
from django.conf import settings

from config.logs import NoRefusals


def is_logged(status: int) -> bool:
    record = logging.makeLogRecord({"status_code": status})
    return bool(NoRefusals().filter(record))


@pytest.mark.parametrize("status", [402, 429])
def test_a_refused_call_is_no_line(status: int) -> None:
    assert not is_logged(status)


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_any_other_trouble_is(status: int) -> None:
    assert is_logged(status)


def test_what_is_no_answer_is() -> None:
    assert NoRefusals().filter(logging.makeLogRecord({}))


def test_the_console_follows_it() -> None:
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["no_refusals"]
