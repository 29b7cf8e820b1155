"""What the documents say beside what is there."""

import re
from pathlib import Path

import pytest

from config.verification import verify_all

_ROOT = Path(__file__).parents[2]


def read(path: str) -> str:
    return (_ROOT / path).read_text(encoding="utf-8")


@pytest.mark.django_db
def test_every_check_of_verify_is_explained_in_the_runbook_and_no_other() -> None:
    runbook = read("docs/runbook.md")
    [section] = re.findall(r"^## `manage.py verify`$(.*?)^## ", runbook, re.M | re.S)

    explained = re.findall(r"^\| `([^`]+)` \|", section, re.M)

    assert sorted(explained) == sorted(finding.check for finding in verify_all())


def test_the_readmes_proofs_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", read("README.md")))
    found = (each.read_text(encoding="utf-8") for each in _ROOT.glob("tests/**/*.py"))

    defined = set(re.findall(r"def (test_\w+)\(", "\n".join(found)))

    assert named
    assert named - defined == set()
