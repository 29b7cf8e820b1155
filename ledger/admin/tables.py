"""Tables as admin pages show them: what is in each cell, already written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ledger.money import format_exact, format_readable

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell says, a second line in small, and what a pointer on it shows."""

    text: str
    note: str = ""
    title: str = ""
    is_number: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Where more of something is found."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its heading, a sentence, and a row of sums if it has one."""

    caption: str
    note: str
    headings: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = field(default=())


def headings(*names: str, texts: int = 1) -> list[Cell]:
    """Return the cells of a table's head: the first ones over text, others numbers."""
    return [
        Cell(name, is_number=position >= texts) for position, name in enumerate(names)
    ]


def amount_cell(amount: Decimal, currency: str) -> Cell:
    """Return a cell of an amount to the coin; a pointer on it shows every digit."""
    exact = format_exact(amount, currency)
    return Cell(format_readable(amount, currency), title=exact, is_number=True)


def movement_cell(amount: Decimal, currency: str) -> Cell:
    """Return a cell of what was moved, with a dash where nothing was."""
    return amount_cell(amount, currency) if amount else Cell(NOTHING, is_number=True)


def exact_cell(amount: Decimal, currency: str) -> Cell:
    """Return a cell of an amount with every digit, to be compared with others."""
    return Cell(format_exact(amount, currency), is_number=True)
