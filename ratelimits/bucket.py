"""A token bucket of so many units a minute, with continuous refill. Pure.

`gate.lua` does the same inside Redis; a test holds the two together. Time is in whole
milliseconds and what was used in 60,000ths of a unit, so that nothing is ever rounded.
"""

from dataclasses import dataclass, field

# What a limit of one a minute refills in a minute, a step each millisecond.
UNIT = 60_000
# More troughs than this are merged; who gives back may then get less, never more.
MOST_TROUGHS = 32


@dataclass(slots=True)
class Bucket:
    """What was used of a limit per minute; a full minute's limit may burst at once.

    The limit is said by whoever asks: after a change of tier what was used stays.
    """

    used: int = 0
    at: int = 0
    # How often it was taken from; each taking has a number.
    taken: int = 0
    # The least that was in use just before a taking, by its number; ascending in both.
    troughs: list[tuple[int, int]] = field(default_factory=list)

    def refill(self, limit: int, *, at: int) -> None:
        """Give back what the time since the last call refills."""
        self.used = max(0, self.used - max(0, at - self.at) * limit)
        self.at = max(self.at, at)

    def remaining(self, limit: int) -> int:
        """Return the whole units that may be taken now; none if there is a debt."""
        return max(0, limit * UNIT - self.used) // UNIT

    def wait(self, limit: int, amount: int) -> int:
        """Return the milliseconds until this much may be taken; 0 for now.

        More than the limit may never be taken at once: then it is the time to full.
        """
        short = self.used + min(amount, limit) * UNIT - limit * UNIT
        return max(0, -(-short // limit))

    def take(self, limit: int, amount: int, *, at: int) -> int | None:
        """Take units if all of them are there; return the taking's number, or none."""
        self.refill(limit, at=at)
        if self.used + amount * UNIT > limit * UNIT:
            return None
        return self._add(amount)

    def correct(self, limit: int, taking: int, difference: int, *, at: int) -> None:
        """Make up for a taking that was too small, or too large by this much.

        What was taken too much comes back as if it had not been: not what the bucket,
        fuller since, would have run over with. What was too little is taken now.
        """
        self.refill(limit, at=at)
        if difference >= 0:
            self._add(difference)
            return
        later = [used for number, used in self.troughs if number > taking]
        back = min(-difference * UNIT, self.used, *later)
        self.used -= back
        lowered = [
            (number, used - back if number > taking else used)
            for number, used in self.troughs
        ]
        self.troughs = []
        for number, used in lowered:
            self._add_trough(number, used)

    def _add(self, amount: int) -> int:
        self.taken += 1
        self._note_trough()
        self.used += amount * UNIT
        return self.taken

    def _note_trough(self) -> None:
        self._add_trough(self.taken, self.used)
        if len(self.troughs) > MOST_TROUGHS:
            lowest, second, *rest = self.troughs
            self.troughs = [(second[0], lowest[1]), *rest]

    def _add_trough(self, number: int, used: int) -> None:
        while self.troughs and self.troughs[-1][1] >= used:
            self.troughs.pop()
        self.troughs.append((number, used))
