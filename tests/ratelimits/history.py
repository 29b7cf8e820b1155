"""What a bucket was asked, to be replayed as if every amount had been right at once."""

from dataclasses import dataclass, field

from ratelimits.bucket import UNIT, Bucket


@dataclass(slots=True)
class Charge:
    """Units that count from an instant on; none if they were refused."""

    at: int
    limit: int
    units: int


@dataclass(slots=True)
class History:
    """Drives a bucket and keeps what it was asked, amounts as far as they are known."""

    bucket: Bucket = field(default_factory=Bucket)
    charges: list[Charge] = field(default_factory=list)
    # The charges that were takings, with the number that the bucket gave them.
    takings: list[tuple[int, Charge]] = field(default_factory=list)

    def take(self, limit: int, amount: int, *, at: int) -> bool:
        taking = self.bucket.take(limit, amount, at=at)
        charge = Charge(at, limit, amount if taking else 0)
        self.charges.append(charge)
        if taking:
            self.takings.append((taking, charge))
        return bool(taking)

    def settle(self, place: int, actual: int, *, limit: int, at: int) -> None:
        """Correct a taking to what was used: less counts from then, more from now."""
        number, charge = self.takings.pop(place)
        difference = actual - charge.units
        self.bucket.correct(limit, number, difference, at=at)
        charge.units = min(charge.units, actual)
        self.charges.append(Charge(at, limit, max(0, difference)))

    def replay(self) -> int:
        """Return what a bucket would have in use that knew the amounts at once."""
        used = now = 0
        for charge in self.charges:
            used = max(0, used - (charge.at - now) * charge.limit)
            used, now = used + charge.units * UNIT, charge.at
        return used

    def find_fullest(self, limit: int) -> int:
        """Return by how much a window up to now passes burst and refill; 0 if none."""
        now, units, most = self.charges[-1].at, 0, 0
        for charge in reversed(self.charges):
            units += charge.units
            allowed = limit * UNIT + limit * (now - charge.at)
            most = max(most, units * UNIT - allowed)
        return most
