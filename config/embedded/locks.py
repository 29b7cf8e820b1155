"""Locks on files, which the kernel releases when their process ends, however it ends.

A lock is an open file descriptor: closing it releases the lock, and a child that
inherits it keeps the lock as well. Nothing here deletes the files, because two
processes could then hold "the same" lock on two files.
"""

import fcntl
import os
from pathlib import Path


def lock_shared(path: Path) -> int:
    """Wait until nobody has the file for himself, and share it from then on."""
    descriptor = _open(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def lock(path: Path) -> int:
    """Wait until nobody else has the file, and keep it from all others."""
    descriptor = _open(path)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def find_lock(path: Path) -> int | None:
    """Keep the file from all others, or return None at once if anyone has it."""
    return _lock_at_once(path, fcntl.LOCK_EX)


def is_locked(path: Path) -> bool:
    """Tell whether somebody keeps the file from all others."""
    descriptor = _lock_at_once(path, fcntl.LOCK_SH)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def is_current(descriptor: int, path: Path) -> bool:
    """Tell whether the locked file is still the one at its path."""
    return path.exists() and os.path.samestat(os.fstat(descriptor), path.stat())


def write_process(descriptor: int, process_id: int | None) -> None:
    """Note in the locked file which process to signal, or that there is none."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(process_id or "").encode(), 0)


def find_process(path: Path) -> int | None:
    """Return the process noted in a file; meaningful only while the file is locked."""
    noted = path.read_text() if path.exists() else ""
    return int(noted) if noted else None


def _lock_at_once(path: Path, kind: int) -> int | None:
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
