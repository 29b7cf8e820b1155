"""Where the embedded servers of a folder are reached. Nothing here touches a server."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

DATABASE = "tollgate"
OWNER = "tollgate_owner"
APPLICATION = "tollgate_app"
PORT = 5432
VALKEY_SOCKET = "valkey.sock"


@dataclass(frozen=True)
class Addresses:
    """The URLs of one pair of servers, as django-environ, redis-py and kombu read them.

    libpq does not read the database URLs: their path holds the socket's folder.
    """

    owner_url: str
    database_url: str
    redis_url: str
    broker_url: str


def addresses(folder: Path) -> Addresses:
    """Tell where the servers of a folder are, or will be.

    The same folder gives the same answer. `owner_url` is the role that owns the
    database and may create others; `database_url` may only log in. The broker is
    database 1 of the same Valkey.
    """
    valkey = quote(str(socket_folder(folder) / VALKEY_SOCKET))
    return Addresses(
        owner_url=_database_url(folder, role=OWNER),
        database_url=_database_url(folder, role=APPLICATION),
        redis_url=f"unix://{valkey}?db=0",
        broker_url=f"redis+socket://{valkey}?virtual_host=1",
    )


def socket_folder(folder: Path) -> Path:
    """Return the folder of both sockets, short because their paths end at 107 bytes."""
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()
    return Path(tempfile.gettempdir(), f"tollgate-{digest[:8]}")


def _database_url(folder: Path, *, role: str) -> str:
    # In the path and not as the host: urlsplit() lowers the case of a host.
    sockets = quote(str(socket_folder(folder)))
    return f"postgresql://{role}@:{PORT}/{sockets}/{DATABASE}"
