"""How a server's process is started: as whom, with which rights, logging to where.

PostgreSQL refuses to run as root, so root lends it an unprivileged account. The
checkout may lie below a folder which that account cannot enter; the folder is not
opened to all, the server gets the one capability it needs.
"""

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

ACCOUNTS = ("postgres", "nobody")


class EmbeddedServerError(RuntimeError):
    """An embedded server did not start or stop; the message ends with its log."""


@dataclass(frozen=True)
class Account:
    """The user and group a server runs as."""

    user: int
    group: int


@dataclass(frozen=True)
class Launch:
    """What to run, for whom, and the signal that stops it cleanly."""

    command: list[str]
    account: Account | None
    data: Path
    stop_signal: signal.Signals


def find_account(data: Path) -> Account | None:
    """Return whom the servers run as, or None if that is the user of this process.

    Data that exists decides, so that it stays readable when accounts come and go.

    :raises EmbeddedServerError: if root finds no unprivileged account.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    entries = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ACCOUNTS:
        if entry := entries.get(name):
            return Account(entry.pw_uid, entry.pw_gid)
    message = f"PostgreSQL does not run as root, and none of {ACCOUNTS} exists."
    raise EmbeddedServerError(message)


def start_process(launch: Launch, *, lock: int, log: Path) -> subprocess.Popen[bytes]:
    """Start a process that keeps the lock as long as it or a child of it lives.

    Where setpriv exists (Linux), the process is also told to stop when this one dies.
    """
    setpriv = _find_setpriv()
    account = None if setpriv else launch.account
    with open_log(log) as output:
        return subprocess.Popen(
            _with_rights(setpriv, launch) if setpriv else launch.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            pass_fds=(lock,),
            user=account.user if account else None,
            group=account.group if account else None,
            extra_groups=[] if account else None,
        )


def make_folder(path: Path, account: Account | None) -> None:
    """Make a folder that only the account, and root, may enter.

    :raises EmbeddedServerError: if the folder is another user's, or a link.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    ours = {os.geteuid(), account.user if account else os.geteuid()}
    if path.is_symlink() or found.st_uid not in ours:
        message = f"{path} belongs to another user: remove it, or use another folder."
        raise EmbeddedServerError(message)
    path.chmod(0o700)
    if account:
        os.chown(path, account.user, account.group)


def delete_folder(path: Path) -> None:
    """Delete a folder and all in it, if it exists."""
    if path.exists():
        shutil.rmtree(path)


def find_wheel(package: str) -> Path:
    """Return the folder of an installed package, without importing it.

    :raises EmbeddedServerError: if the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        message = f"{package} is not installed: set DATABASE_URL and REDIS_URL."
        raise EmbeddedServerError(message)
    return Path(spec.origin).parent


def open_log(log: Path) -> BinaryIO:
    """Open a log to append to; only its user may read it, for it may quote data."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    return os.fdopen(os.open(log, flags, 0o600), "ab")


def read_tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log, for the message of an error."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join([f"The last lines of {log.name}:", *text.splitlines()[-lines:]])


def _find_setpriv() -> str | None:
    found = shutil.which("setpriv")
    # BusyBox has one too, without the options that matter here.
    is_busybox = found is not None and Path(found).resolve().name == "busybox"
    return None if is_busybox else found


def _with_rights(setpriv: str, launch: Launch) -> list[str]:
    signal_name = launch.stop_signal.name.removeprefix("SIG")
    options = ["--pdeathsig", signal_name]
    if launch.account:
        options += _rights_of_account(launch, launch.account)
    return [setpriv, *options, "--", *launch.command]


def _rights_of_account(launch: Launch, account: Account) -> list[str]:
    identity = [f"--reuid={account.user}", f"--regid={account.group}", "--clear-groups"]
    if _is_open_to_all(Path(launch.command[0])) and _is_open_to_all(launch.data):
        return identity
    # Without the bit access(2), by which initdb finds postgres, ignores capabilities.
    bit = "--securebits=+no_setuid_fixup"
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*identity, bit, *capability]


def _is_open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)
