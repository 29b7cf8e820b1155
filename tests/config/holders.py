"""Processes that hold embedded servers, and questions to those servers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import environ
import psycopg
import redis
from psycopg.rows import TupleRow

from config.embedded import addresses, locks
from config.embedded.holding import PROJECT
from config.embedded.supervisor import SUPERVISOR
from config.embedded.urls import socket_folder

HOLD = """
import sys, time
from pathlib import Path
from config.embedded import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""
SERVERS = ("postgres", "valkey")


@dataclass
class Holder:
    """A process that holds the servers of a folder until it is killed."""

    process: subprocess.Popen[str]

    def wait_until_held(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def kill(self) -> None:
        with self.process:
            self.process.kill()


@dataclass
class Site:
    """A folder of servers, and the processes that hold it in one test."""

    folder: Path
    holders: list[Holder]

    def start(self, **variables: str) -> Holder:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(self.folder)],
            cwd=PROJECT,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.holders.append(Holder(process))
        return self.holders[-1]

    def start_and_wait(self) -> Holder:
        holder = self.start()
        holder.wait_until_held()
        return holder

    def kill_all(self) -> None:
        for holder in self.holders:
            holder.kill()


def connect(url: str) -> psycopg.Connection[TupleRow]:
    config = environ.Env.db_url_config(url)
    return psycopg.connect(
        host=config["HOST"],
        port=config["PORT"],
        user=config["USER"],
        dbname=config["NAME"],
        autocommit=True,
    )


def connect_redis(site: Site) -> redis.Redis:
    return redis.Redis.from_url(addresses(site.folder).redis_url)


def query(site: Site, statement: str) -> list[TupleRow]:
    with closing(connect(addresses(site.folder).owner_url)) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def running(site: Site) -> tuple[object, object]:
    """Name the servers that run now, so that others are told from them."""
    with closing(connect_redis(site)) as client:
        valkey = client.info("server")["run_id"]
    return query(site, "SELECT pg_postmaster_start_time()"), valkey


def lock_of(site: Site, server: str) -> Path:
    return socket_folder(site.folder) / f"{server}.lock"


def is_all_gone(site: Site) -> bool:
    """Tell whether no server process is left: each of them would keep its lock."""
    paths = [lock_of(site, server) for server in SERVERS]
    return not any(map(locks.is_locked, [*paths, site.folder / SUPERVISOR]))


def kill_process(path: Path) -> int:
    process_id = locks.find_process(path)
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)
    return process_id


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def last_line_of_postgres(site: Site) -> str:
    return (site.folder / "postgres.log").read_text().splitlines()[-1]
