"""Failpoints do nothing, but in a process that was started to meet one."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

_SCRIPT = "from ledger.failpoints import failpoint; failpoint('here'); print('alive')"


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        cwd=ROOT,
        env=os.environ | variables,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("armed", ["", "there:kill", "here-too:raise"])
def test_others_are_passed(armed: str) -> None:
    assert run(TOLLGATE_FAILPOINT=armed).stdout == "alive\n"


def test_one_kills() -> None:
    assert run(TOLLGATE_FAILPOINT="here:kill").returncode == -9


def test_one_raises() -> None:
    assert "FailpointError: here" in run(TOLLGATE_FAILPOINT="here:raise").stderr
