"""Own which calls a rate applies to, and which of several rates is the narrowest."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Final, TypeVar

from billing.pricing.conditions import (
    HOURS,
    LOWER_BOUNDS,
    UPPER_BOUNDS,
    WEEKDAYS,
    When,
    read_days,
    read_window,
)

Priced = TypeVar("Priced")

DAY: Final = 24 * 60
WEEK: Final = 7 * DAY

# A place between two contexts: just before so many tokens (0), or just after them (1).
Cut = tuple[Decimal | int, int]
START: Final[Cut] = (0, 0)
END: Final[Cut] = (10**16, 0)

# The scopes that hold all of some calls, by `Scope.calls`.
_Covering = dict[Hashable, "list[Scope]"]

_ALL_WEEK: Final = (1 << WEEK) - 1


@dataclass(frozen=True, slots=True)
class Scope:
    """Hold the calls that a rate applies to.

    `texts` are the values that properties may have, `lower` and `upper` enclose the
    context, and bit n of `minutes` stands for minute n of the week, from Monday 00:00
    UTC. `conditions` counts what was asked for; the two bounds of a context are one.
    """

    texts: Mapping[str, frozenset[str]]
    lower: Cut
    upper: Cut
    minutes: int
    conditions: int

    def holds(self, texts: Mapping[str, str | None], context: Cut, minute: int) -> bool:
        """Tell whether a call with these properties is one of them."""
        return (
            self.lower <= context < self.upper
            and bool(self.minutes >> minute & 1)
            and all(texts[name] in values for name, values in self.texts.items())
        )

    def covers(self, other: "Scope") -> bool:
        """Tell whether every call of another scope is one of this scope too."""
        if other.lower < self.lower or self.upper < other.upper:
            return False
        for name, values in self.texts.items():
            if name not in other.texts or not other.texts[name] <= values:
                return False
        return other.minutes & self.minutes == other.minutes

    def shares(self, other: "Scope") -> bool:
        """Tell whether some call is in both scopes."""
        if other.upper <= self.lower or self.upper <= other.lower:
            return False
        for name, values in self.texts.items():
            if name in other.texts and values.isdisjoint(other.texts[name]):
                return False
        return bool(self.minutes & other.minutes)

    @property
    def calls(self) -> Hashable:
        """Return what scopes of the same calls have in common, however written."""
        return frozenset(self.texts.items()), self.lower, self.upper, self.minutes


def scope_of(when: When) -> Scope:
    """Return the calls that conditions describe."""
    stated = dict(when.conditions)
    times = {name: stated.pop(name, ()) for name in (HOURS, WEEKDAYS)}
    lower, upper = _cut(stated, LOWER_BOUNDS, START), _cut(stated, UPPER_BOUNDS, END)
    asked = (lower != START or upper != END, *times.values(), *stated)
    return Scope(
        texts={name: frozenset(texts) for name, texts in stated.items()},
        lower=lower,
        upper=upper,
        minutes=_minutes(times[HOURS], times[WEEKDAYS]),
        conditions=sum(map(bool, asked)),
    )


def narrowest(scoped: Iterable[tuple[Scope, Priced]]) -> tuple[Scope, Priced] | None:
    """Return the scope of most conditions, and of equally many the one inside.

    Beside each scope stands what it is for. All hold one call in common, and
    `find_clash` finds none among them: so their order makes no difference.
    """
    best: tuple[Scope, Priced] | None = None
    for candidate in scoped:
        if best is None or _is_narrower(candidate[0], best[0]):
            best = candidate
    return best


def find_clash(scopes: Sequence[Scope]) -> tuple[int, int] | None:
    """Return the positions of two scopes neither of which wins for some call, if any.

    The same scope twice is one. Equally many conditions are one, unless one scope lies
    inside the other, no call is in both, or a narrower scope decides for all of those.
    """
    seen: dict[Hashable, int] = {}
    for position, scope in enumerate(scopes):
        first = seen.setdefault(scope.calls, position)
        if first != position:
            return first, position
    covering: _Covering = {}
    for (first, one), (second, other) in combinations(enumerate(scopes), 2):
        if not _is_decided(one, other) and not _is_decided_by_a_third(
            one, other, scopes, covering
        ):
            return first, second
    return None


def _cut(
    stated: dict[str, tuple[str, ...]], names: tuple[str, str], otherwise: Cut
) -> Cut:
    """Take the bound of one of two names out of the conditions."""
    for side, name in zip((1, 0), names, strict=True):
        if name in stated:
            return int(stated.pop(name)[0]), side
    return otherwise


def _minutes(hours: Iterable[str], weekdays: Iterable[str]) -> int:
    """Return the minutes of the week that lie in some hours of some days."""
    if not hours and not weekdays:
        return _ALL_WEEK
    days = {day for text in weekdays for day in read_days(text) or ()} or set(range(7))
    minutes = 0
    for day in days:
        minutes |= _minutes_of_day(hours) << day * DAY
    return minutes


def _minutes_of_day(hours: Iterable[str]) -> int:
    """Return the minutes of one day that lie in some hours."""
    minutes = 0
    for start, end in filter(None, map(read_window, hours)):
        if start < end:
            minutes |= _span(start, end)
        else:
            minutes |= _span(start, DAY) | _span(0, end)
    return minutes or _span(0, DAY)


def _span(start: int, end: int) -> int:
    """Return a number with the bits from the start to before the end set."""
    return (1 << end) - (1 << start)


def _is_narrower(scope: Scope, than: Scope) -> bool:
    """Tell whether a scope wins over another one for a call in both."""
    if scope.conditions != than.conditions:
        return scope.conditions > than.conditions
    return than.covers(scope)


def _is_decided(one: Scope, other: Scope) -> bool:
    """Tell whether no call is in both scopes, or one of them wins for all that are."""
    return (
        one.conditions != other.conditions
        or not one.shares(other)
        or one.covers(other)
        or other.covers(one)
    )


def _is_decided_by_a_third(
    one: Scope, other: Scope, scopes: Sequence[Scope], covering: _Covering
) -> bool:
    """Tell whether a narrower scope wins for every call that two scopes share."""
    shared = _shared(one, other)
    key = shared.calls
    # Many pairs share the same calls, so what covers those is looked for once.
    if key not in covering:
        covering[key] = _find_covering(shared, scopes)
    return any(
        _is_narrower(each, one) and _is_narrower(each, other) for each in covering[key]
    )


def _find_covering(shared: Scope, scopes: Sequence[Scope]) -> list[Scope]:
    """Return the scopes that hold some calls, first the one that is likely to win."""
    covering = [scope for scope in scopes if scope.covers(shared)]
    best = covering[0]
    for scope in covering:
        if _is_narrower(scope, best):
            best = scope
    return [best, *covering]


def _shared(one: Scope, other: Scope) -> Scope:
    """Return the calls in both scopes, of which there are some."""
    texts = {
        name: one.texts.get(name, values) & values
        for name, values in {**one.texts, **other.texts}.items()
    }
    lower, upper = max(one.lower, other.lower), min(one.upper, other.upper)
    return Scope(texts, lower, upper, one.minutes & other.minutes, len(texts))
