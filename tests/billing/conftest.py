"""Tests in which the gate is away."""

import pytest
from pytest_django import Settings

from ratelimits.breaker import Breaker
from tests.billing.calls import Lose


@pytest.fixture
def lose_gate(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Lose:
    """Let the gate's Redis be away from the moment that this is called."""

    def lose() -> None:
        monkeypatch.setattr("ratelimits.server._BREAKER", Breaker(pause=60))
        settings.REDIS_URL = "redis://127.0.0.1:9/0"

    return lose


@pytest.fixture
def _no_gate(lose_gate: Lose) -> None:
    lose_gate()
