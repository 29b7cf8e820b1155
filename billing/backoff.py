"""How long to wait before something is tried again."""

from datetime import timedelta

# Work that waits for others, such as a mail server or a payment provider.
LONGEST_PAUSE = timedelta(hours=6)
# Doubling more often than this passes any longest pause.
_MOST_DOUBLINGS = 20


def pause_after(
    failures: int, *, first: timedelta, longest: timedelta = LONGEST_PAUSE
) -> timedelta:
    """Return the pause after so many failures: the first, then doubled each time."""
    doublings = min(max(failures - 1, 0), _MOST_DOUBLINGS)
    return min(first * (1 << doublings), longest)
