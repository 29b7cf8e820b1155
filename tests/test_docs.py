"""What merging leaves behind in pages: things said twice, and headings that run on."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]

Lines = list[tuple[int, str]]


def test_no_key_is_twice_in_a_table() -> None:
    assert _found(_repeated_keys) == []


def test_no_heading_is_twice_in_a_page() -> None:
    assert _found(_repeated_headings) == []


def test_every_heading_follows_a_blank_line() -> None:
    assert _found(_crowded_headings) == []


def test_no_line_is_twice_in_a_row() -> None:
    assert _found(_repeated_lines) == []


def test_what_is_wrong_is_found() -> None:
    wrong: dict[Callable[[Lines], Iterator[int]], str] = {
        _repeated_keys: "| `a` | 1 |\n| `b` | 2 |\n| `a` | 3 |",
        _repeated_headings: "# A\n\n## B\n\n### C\n\n## B",
        _crowded_headings: "# A\n\ntext\n## B",
        _repeated_lines: "a\nb\nb",
    }

    for find, text in wrong.items():
        assert len(list(find(_read(text)))) == 1
        assert list(find(_read(f"```\n{text}\n```"))) == []


def _found(find: Callable[[Lines], Iterator[int]]) -> list[str]:
    assert PAGES
    return [
        f"{page.relative_to(ROOT)}:{number}"
        for page in PAGES
        for number in find(_read(page.read_text(encoding="utf-8")))
    ]


def _read(text: str) -> Lines:
    """Return the lines with their numbers; what is in examples is left out."""
    lines, is_example = [], False
    for number, line in enumerate(text.splitlines(), start=1):
        is_fence = line.lstrip().startswith("```")
        is_example ^= is_fence
        lines.append((number, "" if is_example and not is_fence else line.rstrip()))
    return lines


def _repeated_keys(lines: Lines) -> Iterator[int]:
    keys: set[str] = set()
    for number, line in lines:
        if not line.startswith("|"):
            keys.clear()
            continue
        key = _key_of(line)
        if key in keys:
            yield number
        keys.add(key)


def _key_of(row: str) -> str:
    """Return what a row is about: its first cell; with a status, its code too."""
    cells = [cell.strip() for cell in row.split("|")[1:]]
    return " ".join(cells[: 2 if cells[0].isdigit() else 1])


def _repeated_headings(lines: Lines) -> Iterator[int]:
    """Yield headings that stand twice beneath the same one: each release has Added."""
    seen: set[tuple[str, ...]] = set()
    above: list[str] = []
    for number, line in lines:
        if not _is_heading(line):
            continue
        depth = len(line) - len(line.lstrip("#"))
        above = [*above[: depth - 1], line]
        if tuple(above) in seen:
            yield number
        seen.add(tuple(above))


def _crowded_headings(lines: Lines) -> Iterator[int]:
    for (_, before), (number, line) in pairwise(lines):
        if _is_heading(line) and before:
            yield number


def _repeated_lines(lines: Lines) -> Iterator[int]:
    for (_, before), (number, line) in pairwise(lines):
        if line and line == before:
            yield number


def _is_heading(line: str) -> bool:
    return line.lstrip("#").startswith(" ") and line.startswith("#")
