"""Own the choice among dated versions. Nothing here knows what a version holds."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import TypeVar

Version = TypeVar("Version")


def select_version(
    versions: Sequence[tuple[datetime, Version]], at: datetime
) -> Version | None:
    """Return the version in force at a moment, or `None` before the first.

    Each version stands beside the moment it takes effect, and the versions come in
    ascending order of it. A version is in force from that moment, included, until the
    next one. Of two with the same moment the later in the sequence wins.
    """
    position = bisect_right(versions, at, key=itemgetter(0))
    return versions[position - 1][1] if position else None
