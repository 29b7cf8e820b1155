"""Own the conditions of a rate as they are written: `when: {service_class: batch}`.

What they say of a call is for `scopes`. Nothing here knows an event.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from billing.pricing.dimensions import INFORMATIONAL, is_dimension

HOURS: Final = "hours"
WEEKDAYS: Final = "weekdays"
LOWER_BOUNDS: Final = ("context_above", "context_from")
UPPER_BOUNDS: Final = ("context_up_to", "context_below")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MAX_NAME: Final = 200
# They mean something else to pricing, so none of them is a text to be compared.
_NO_TEXTS: Final = INFORMATIONAL | {
    "input_is_total",
    "minimum",
    "model",
    "output_is_total",
    "usage",
}

_PROPERTY: Final = re.compile(r"[a-z][a-z0-9_]*")
_TOKENS: Final = re.compile(r"[0-9]{1,12}")
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_WINDOW: Final = re.compile(rf"({_TIME})-({_TIME}|24:00)")
_DAY: Final = "|".join(DAYS)
_DAY_RANGE: Final = re.compile(rf"({_DAY})(?:-({_DAY}))?")


class ConditionError(ValueError):
    """Refuse a condition, naming it and its problem."""

    def __init__(self, name: str, problem: str) -> None:
        """Keep the parts, so that a card can say where the condition stands."""
        super().__init__(f"{name} {problem}")
        self.name = name
        self.problem = problem


@dataclass(frozen=True, slots=True)
class When:
    """Hold the conditions of a rate, by name; it applies where all of them hold.

    Each has one or more texts, of which one has to fit. Without conditions a rate
    always applies. Make one with `read_when`, so that equal conditions are equal.

    :raises ConditionError: if a condition cannot be understood.
    """

    conditions: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        """Check every condition, and the two bounds of a context together."""
        for name, texts in self.conditions:
            _check_condition(name, texts)
        stated = dict(self.conditions)
        for bounds in (LOWER_BOUNDS, UPPER_BOUNDS):
            if stated.keys() >= set(bounds):
                raise ConditionError(bounds[1], f"contradicts {bounds[0]}")
        _check_order(stated)

    def as_mapping(self) -> dict[str, list[str]]:
        """Return the conditions as JSON can hold them, for `read_when` to read back."""
        return {name: list(texts) for name, texts in self.conditions}


def read_when(conditions: Mapping[str, Sequence[str]]) -> When:
    """Return conditions in one order, whatever order they were written in.

    :raises ConditionError: as `When` does.
    """
    return When(
        tuple((name, tuple(texts)) for name, texts in sorted(conditions.items()))
    )


def read_window(text: str) -> tuple[int, int] | None:
    """Return the minutes of the day that "22:00-04:00" starts and ends at, if any.

    The end is not included, and lies on the next day where it is not after the start.
    """
    written = _WINDOW.fullmatch(text)
    if written is None:
        return None
    start, end = (int(each[:2]) * 60 + int(each[3:]) for each in written.groups())
    return None if start == end else (start, end)


def read_days(text: str) -> list[int] | None:
    """Return the days that "mon-fri" or "sun" names, with Monday as 0, if any."""
    written = _DAY_RANGE.fullmatch(text)
    if written is None:
        return None
    first = DAYS.index(written[1])
    last = DAYS.index(written[2] or written[1])
    length = (last - first) % len(DAYS) + 1
    return [(first + day) % len(DAYS) for day in range(length)]


def _check_condition(name: str, texts: tuple[str, ...]) -> None:
    """Check one condition by its name."""
    if not texts or len(set(texts)) != len(texts):
        raise ConditionError(name, "must be a value, or a list of different ones")
    if name in (*LOWER_BOUNDS, *UPPER_BOUNDS):
        _check_bound(name, texts)
    elif name == HOURS:
        known = all(map(read_window, texts))
        _require(known, name, "must be UTC times such as 22:00-04:00")
    elif name == WEEKDAYS:
        _require(all(map(read_days, texts)), name, "must be days such as mon-fri")
    else:
        _check_text(name, texts)


def _check_bound(name: str, texts: tuple[str, ...]) -> None:
    """Check a bound of the context."""
    whole = len(texts) == 1 and bool(_TOKENS.fullmatch(texts[0]))
    _require(whole, name, "must be a whole number of tokens")
    # Every context is 0 or more, and none is less: neither would tell calls apart.
    is_empty = name in ("context_from", "context_below") and int(texts[0]) == 0
    _require(not is_empty, name, "must be above 0")


def _check_text(name: str, texts: tuple[str, ...]) -> None:
    """Check a property of the event and the values it is compared with."""
    plain = _PROPERTY.fullmatch(name) and len(name) <= MAX_NAME
    _require(bool(plain), name, "must be lower-case letters, digits and underscores")
    bounds = ", ".join((*LOWER_BOUNDS, *UPPER_BOUNDS))
    is_free = not name.startswith("context_")
    _require(is_free, name, f"is no bound of the context: {bounds}")
    compared = name not in _NO_TEXTS and not is_dimension(name)
    _require(compared, name, "is no property that a price can depend on")
    problem = f"must be 1 to {MAX_NAME} printable characters, with no space around them"
    _require(all(map(_is_readable, texts)), name, problem)


def _is_readable(text: str) -> bool:
    """Tell whether a value can be written and compared."""
    return 0 < len(text) <= MAX_NAME and text.isprintable() and text == text.strip()


def _check_order(stated: Mapping[str, tuple[str, ...]]) -> None:
    """Check that some context lies between the two bounds."""
    lower = next((name for name in LOWER_BOUNDS if name in stated), None)
    upper = next((name for name in UPPER_BOUNDS if name in stated), None)
    if lower and upper and int(stated[upper][0]) <= int(stated[lower][0]):
        raise ConditionError(upper, f"must be above {stated[lower][0]}")


def _require(holds: bool, name: str, problem: str) -> None:
    """Refuse the condition unless the fact holds."""
    if not holds:
        raise ConditionError(name, problem)


# Made last, since making one calls the checks above.
ALWAYS: Final = When()
