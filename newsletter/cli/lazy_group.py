"""Import late: commands when they are asked for (click's "Lazily Loading Subcommands"), what they do when they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from newsletter.frozen import frozen


@frozen
class LazyCommand:
    """The place of a command: `attribute` of `module`.

    `summary` is its line in the group's help, its first sentence, beneath `heading`.
    """

    module: str
    attribute: str
    summary: str
    heading: str = "Commands"

    def load(self) -> click.Command:
        command = getattr(import_module(self.module), self.attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a test loads every row of our table
        return command


class Deferred:
    """A function that is imported when it is called: `attribute` of `module`."""

    def __init__(self, module: str, attribute: str) -> None:
        self.module, self.attribute = module, attribute

    def load(self) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module(self.module), self.attribute)
        return function

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.load()(*args, **options)


def runs(module: str, attribute: str) -> Callable[[Callable[[], None]], Deferred]:
    """Have a command run that function, with its options. What is decorated gives its name and its help.

    A help page, a completion or a slip on the command line then costs the options alone, and no pipeline.
    """

    def declare(command: Callable[[], None]) -> Deferred:
        deferred = Deferred(module, attribute)
        deferred.__name__ = command.__name__  # type: ignore[attr-defined]
        deferred.__doc__ = command.__doc__
        return deferred

    return declare


class LazyGroup(click.Group):
    """`--help` prints the summaries without importing a command; any other call imports the command it runs."""

    def __init__(
        self, *args: Any, lazy: Mapping[str, LazyCommand], help_width: Callable[[], int] | None = None, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self.lazy = lazy
        self.help_width = help_width

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if self.help_width is not None:
            extra.setdefault("terminal_width", self.help_width())
        return super().make_context(info_name, args, parent, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (lazy := self.lazy.get(cmd_name)) is not None:
            return lazy.load()
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Under headings, in the table's order; one column of names for all."""
        widest = max(map(len, self.lazy), default=0)
        for heading in dict.fromkeys(lazy.heading for lazy in self.lazy.values()):
            with formatter.section(heading):
                rows = [(name, lazy.summary) for name, lazy in self.lazy.items() if lazy.heading == heading]
                formatter.write_dl([(name.ljust(widest), summary) for name, summary in rows])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and summaries from the table: no command is imported for a completion."""
        if not incomplete or incomplete[0].isalnum():
            rows = sorted(self.lazy.items())
            return [CompletionItem(name, help=row.summary) for name, row in rows if name.startswith(incomplete)]
        return super().shell_complete(ctx, incomplete)
