"""Options shared by commands that read a list."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

from newsletter.cli.completions import complete_list
from newsletter.cli.options import Given
from newsletter.errors import ConfigError
from newsletter.model.column_rules import Rule, read_rule


class ListName(click.ParamType):  # type: ignore[type-arg]  # generic in some versions only
    """The path of a list, or `@signups`. It stays as written: `./@signups` is a file."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "":
            name = param.opts[0] if isinstance(param, click.Option) else "a name"
            raise ConfigError(f"{name} is empty", "write the path that is meant")
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return complete_list(ctx, param, incomplete)


class ColumnRule(click.ParamType):  # type: ignore[type-arg]  # generic in some versions only
    """`state=ignore`, `state:dormant=mail` or `state:dormant=skip`."""

    name = "rule"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Rule:
        if isinstance(value, tuple):
            return value
        try:
            return read_rule(str(value))
        except ValueError:
            what = f"{value!r} says nothing of a column"
            self.fail(f"{what}; write state=ignore, or state:dormant=mail, or state:dormant=skip", param, ctx)


to_option = click.option(
    "--to",
    multiple=True,
    type=ListName(),
    metavar="LIST.csv",
    help="A CSV with an email column, or @signups. Repeatable.",
)
column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    type=ColumnRule(),
    metavar="COLUMN=ignore",
    help="It does not speak of leaving; or COLUMN:VALUE=mail.",
)
ledger_option = click.option(
    "--ledger",
    "ledger_url",
    type=Given(),
    metavar="URL",
    help="For @signups: postgresql://… or sqlite:///FILE, instead of [ledger].",
)
