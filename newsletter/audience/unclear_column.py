"""Columns of a list that may say who has left, and are not understood."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from newsletter.frozen import frozen
from newsletter.text import printable


@frozen
class UnclearColumn:
    """A column that may mark unsubscribed rows, with values that are unclear.

    `rows` have one, `values` are the most frequent of them, each with its count. `path` is the list, if there
    are several.
    """

    name: str
    rows: int
    values: Mapping[str, int]
    path: str = ""

    @property
    def what(self) -> str:
        shown = [f"{_quoted(value)} ({count:,})" for value, count in self.values.items()]
        more = self.rows - sum(self.values.values())
        others = f", and others ({more:,})" if more else ""
        return (
            f"the column {_quoted(self.name)} may say who has left, and is not understood: {', '.join(shown)}{others}"
        )

    @property
    def remedy(self) -> str:
        value = next(iter(self.values), "")
        word = f"{self.name}:{value}"
        return (
            f"write --column {_argument(f'{self.name}=ignore')} where it says nothing of the kind; else say it of each "
            f"value, --column {_argument(f'{word}=mail')} or --column {_argument(f'{word}=skip')}; or write that into "
            "[subscribers] columns in newsletter.toml"
        )


def _quoted(value: str) -> str:
    return repr(value) if value else "empty"


def _argument(text: str) -> str:
    """A command-line argument, quoted for a shell."""
    return shlex.quote(printable(text))
