"""What the runbook says beside what the product does."""

import re
from pathlib import Path

import pytest

from config.verification import verify_all

_RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"


@pytest.mark.django_db
def test_every_check_of_verify_is_explained_and_no_other() -> None:
    text = _RUNBOOK.read_text(encoding="utf-8")
    [section] = re.findall(r"^## `manage.py verify`$(.*?)^## ", text, re.M | re.S)

    explained = re.findall(r"^\| `([^`]+)` \|", section, re.M)

    assert sorted(explained) == sorted(finding.check for finding in verify_all())
