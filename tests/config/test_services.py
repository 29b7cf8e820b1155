from pathlib import Path

import pytest

from config.services import IncompleteServicesError, embedded_folder, is_embedded


@pytest.fixture(autouse=True)
def _no_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


def test_without_urls_the_servers_are_ours() -> None:
    assert is_embedded()


def test_with_both_urls_they_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/tollgate")
    monkeypatch.setenv("REDIS_URL", "redis://cache")

    assert not is_embedded()


@pytest.mark.parametrize(
    ("given", "missing"),
    [("DATABASE_URL", "REDIS_URL"), ("REDIS_URL", "DATABASE_URL")],
)
def test_one_url_without_the_other_is_refused(
    given: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(given, "postgresql://db/tollgate")

    with pytest.raises(IncompleteServicesError, match=f"{given} is set but {missing}"):
        is_embedded()


def test_the_folder_may_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLGATE_FOLDER", str(tmp_path))

    assert embedded_folder() == tmp_path


def test_the_folder_is_else_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOLLGATE_FOLDER", raising=False)

    assert embedded_folder().parts[-2:] == (".tollgate", "run")
