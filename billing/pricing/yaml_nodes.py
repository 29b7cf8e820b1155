"""Own the safe reading of YAML into named fields that know their line.

Nothing is constructed: a scalar stays the text it was written as, so no number passes
through a float. Anchors, aliases, tags, repeated keys and deep nesting are refused.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, cast

import yaml

# The form of a card is six levels deep; more can only be an attack on the stack.
_MAX_DEPTH: Final = 8


class CardSyntaxError(Exception):
    """Refuse the text of a card, naming the line (from 1) and the field."""

    def __init__(self, line: int, problem: str) -> None:
        """Keep the line, so that an editor can point at it."""
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Field:
    """Hold a key as it is written, the line it stands on, and its value."""

    name: str
    line: int
    node: yaml.Node

    def error(self, problem: str) -> CardSyntaxError:
        """Return what is wrong with this field, for the caller to raise."""
        return CardSyntaxError(self.line, f"{self.name} {problem}")

    def text(self) -> str:
        """Return the value as it is written.

        :raises CardSyntaxError: if it is a list or a mapping.
        """
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.error("must be a single value")
        return str(self.node.value)

    def texts(self) -> list[str]:
        """Return the value, or each value of a list, as it is written.

        :raises CardSyntaxError: if one of them is a list or a mapping.
        """
        if not isinstance(self.node, yaml.SequenceNode):
            return [self.text()]
        return [Field(self.name, self.line, each).text() for each in self.node.value]

    def entries(self) -> "list[Entry]":
        """Return the value as a list of mappings with something in it.

        :raises CardSyntaxError: if it is anything else.
        """
        if not isinstance(self.node, yaml.SequenceNode) or not self.node.value:
            raise self.error("must be a list of at least one item")
        return [read_entry(node) for node in self.node.value]


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold the fields of one mapping, and the line it begins on."""

    line: int
    fields: dict[str, Field]

    def expect(self, *names: str, optional: Collection[str] = ()) -> dict[str, Field]:
        """Return the fields, if they are these, perhaps the optional, and no others.

        :raises CardSyntaxError: if one is missing or unknown.
        """
        for field in self.fields.values():
            if field.name not in (*names, *optional):
                raise field.error("is not a field here")
        for name in names:
            if name not in self.fields:
                raise CardSyntaxError(self.line, f"{name} is missing")
        return self.fields


def compose(text: str) -> list[yaml.Node]:
    """Return the root of each YAML document in the text, with nothing built from it.

    :raises CardSyntaxError: if the text is not YAML, or more of it than a card may use.
    """
    try:
        loader = _CardLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise CardSyntaxError(line, "a character is not allowed in YAML") from error
    try:
        return list(_documents(loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else loader.line
        raise CardSyntaxError(line + 1, f"{error.problem}") from error
    except (ValueError, OverflowError) as error:
        # PyYAML lets "\UFFFFFFFF" through to `chr`, which knows no such character.
        raise CardSyntaxError(
            loader.line + 1, "an escape names no character"
        ) from error


def read_entry(node: yaml.Node) -> Entry:
    """Return the fields of a mapping.

    :raises CardSyntaxError: if the node is no mapping, or a key is repeated.
    """
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise CardSyntaxError(line, "expected fields such as 'model: name'")
    fields: dict[str, Field] = {}
    for key, value in node.value:
        field = Field(str(key.value), key.start_mark.line + 1, value)
        if field.name in fields:
            raise field.error("is written twice")
        fields[field.name] = field
    return Entry(line, fields)


class _CardLoader(yaml.SafeLoader):
    """Compose shallow nodes without anchors, aliases and tags."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse what a card never needs, before any of it is expanded."""
        # The method is there; types-PyYAML has no annotations for it.
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if event.anchor or getattr(event, "tag", None):
            raise CardSyntaxError(line, "anchors, aliases and tags are not allowed")
        if self.depth == _MAX_DEPTH:
            raise CardSyntaxError(line, "this is nested too deeply for a card")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _documents(loader: _CardLoader) -> Iterator[yaml.Node]:
    """Yield the documents one by one."""
    while loader.check_node():
        # There is a node, for `check_node` has just said so.
        yield cast("yaml.Node", loader.get_node())
