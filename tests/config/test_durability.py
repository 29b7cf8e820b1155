import pytest
from django.db import connection

from config.durability import UnsafeDatabaseError, require_durable_database


@pytest.mark.django_db
class TestRequireDurableDatabase:
    def test_accepts_a_database_whose_commits_survive(self) -> None:
        require_durable_database()

        assert connection.is_usable()

    def test_refuses_one_that_answers_before_it_has_written(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")

        with pytest.raises(UnsafeDatabaseError, match="synchronous_commit"):
            require_durable_database()
