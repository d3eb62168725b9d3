"""A send's lists, segment and column rules as one text in the ledger, so that `resume` reads the same recipients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from newsletter.frozen import frozen
from newsletter.ledger.list_reference import join_segment, split_segment
from newsletter.model.column_rules import IGNORE, Rule, read_rule

_MARK = "column "


@frozen
class ListReference:
    """The recipients of a send: paths of lists or `@signups`, their segment, and rules for their columns."""

    lists: tuple[str, ...]
    where: str = ""
    columns: tuple[Rule, ...] = ()


def write_reference(reference: ListReference) -> str:
    """Encode the reference as one text for the ledger, with absolute paths."""
    named = (name if name.startswith("@") else absolute(name) for name in reference.lists)
    return join_segment("\n".join((*named, *_written_rules(reference.columns))), reference.where.strip())


def read_reference(text: str) -> ListReference:
    lines, where = split_segment(text)
    lists, columns = _split_rules(lines.split("\n"))
    return ListReference(lists, where, columns)


def absolute(path: object) -> str:
    """The absolute path, which is valid in any working directory; empty for standard input."""
    return str(Path(str(path)).absolute()) if path not in (None, "-") else ""


def _written_rules(columns: Iterable[Rule]) -> Sequence[str]:
    """Rules as lines among the paths of the lists."""
    return [
        f"{_MARK}{column}={word}" if word == IGNORE else f"{_MARK}{column}:{value}={word}"
        for column, value, word in columns
    ]


def _split_rules(lines: Iterable[str]) -> tuple[tuple[str, ...], tuple[Rule, ...]]:
    found = [line for line in lines if line]
    lists = tuple(line for line in found if not line.startswith(_MARK))
    return lists, tuple(read_rule(line.removeprefix(_MARK)) for line in found if line.startswith(_MARK))
