"""Members that JSON says twice in one object; nobody can tell which counts. Pure."""

import json
from collections.abc import Iterator
from typing import Any

Path = tuple[str, ...]


class RepeatedMemberError(ValueError):
    """A member is there twice; `path` are the names and positions that lead to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path[-1]!r} is there twice.")
        self.path = path


class _Object(dict[str, Any]):
    """What an object holds; `repeated` is a name that it has twice."""

    repeated: str | None = None


def check_unrepeated(raw: bytes) -> None:
    """Refuse JSON, known to be such, of which an object has a member twice.

    :raises RepeatedMemberError: if one has, at whatever depth.
    """
    try:
        _CHECKING.decode(raw.decode())
    except _RepeatedError:
        # Rare enough to read it once more, for the way that leads there.
        raise RepeatedMemberError(next(_find(_MARKING.decode(raw.decode())))) from None


class _RepeatedError(Exception):
    pass


def _check(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) != len(members):
        raise _RepeatedError


def _mark(members: list[tuple[str, Any]]) -> _Object:
    found = _Object()
    for name, value in members:
        if name in found:
            found.repeated = name
        # The first of them: a later one must not hide what the first one repeats.
        found.setdefault(name, value)
    return found


def _decoder(hook: Any) -> json.JSONDecoder:
    # Numbers are of no interest, and as such they could be too long.
    return json.JSONDecoder(
        object_pairs_hook=hook, parse_int=str, parse_float=str, parse_constant=str
    )


_CHECKING = _decoder(_check)
_MARKING = _decoder(_mark)


def _find(value: Any) -> Iterator[Path]:
    """Yield the path of each repeated member, the outermost first."""
    if isinstance(value, _Object):
        if value.repeated is not None:
            yield (value.repeated,)
        children = list(value.items())
    elif isinstance(value, list):
        children = [(str(position), child) for position, child in enumerate(value)]
    else:
        return
    for name, child in children:
        yield from ((name, *path) for path in _find(child))
