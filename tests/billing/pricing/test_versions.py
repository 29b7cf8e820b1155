from datetime import UTC, datetime

from billing.pricing.versions import select_version

MAY = datetime(2025, 5, 1, tzinfo=UTC)
JUNE = datetime(2025, 6, 1, tzinfo=UTC)
JULY = datetime(2025, 7, 1, tzinfo=UTC)
VERSIONS = [(MAY, "first"), (JULY, "second")]


def test_a_version_is_in_force_from_the_very_moment_it_takes_effect() -> None:
    assert select_version(VERSIONS, MAY) == "first"
    assert select_version(VERSIONS, JULY) == "second"


def test_a_version_stays_in_force_until_the_next_one() -> None:
    assert select_version(VERSIONS, JUNE) == "first"


def test_the_last_version_stays_in_force_for_ever() -> None:
    assert select_version(VERSIONS, datetime(2099, 1, 1, tzinfo=UTC)) == "second"


def test_nothing_is_in_force_before_the_first_version() -> None:
    assert select_version(VERSIONS, datetime(2025, 4, 30, tzinfo=UTC)) is None
    assert select_version([], MAY) is None


def test_of_two_versions_of_one_moment_the_later_listed_wins() -> None:
    assert select_version([(MAY, "first"), (MAY, "corrected")], MAY) == "corrected"
