"""`newsletter theme list` and `newsletter theme new`."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.completions import complete_theme
from newsletter.cli.help_page import SummaryGroup
from newsletter.cli.options import config_option, load
from newsletter.render.themes.copy_theme import new_theme
from newsletter.render.themes.folders import known_themes, template_roots


@click.group(cls=SummaryGroup)
def theme() -> None:
    """Look at the themes, or copy one to make it yours."""


@theme.command("list")
@config_option
def list_themes(config_path: Path | None) -> None:
    """Name every theme that can be used here.

    \b
    Example:
      newsletter theme list
    """

    for name in known_themes(template_roots(load(config_path).root)):
        click.echo(name)


@theme.command("new")
@click.argument("name")
@click.option(
    "--from",
    "base",
    default="classic",
    show_default=True,
    shell_complete=complete_theme,
    help="The theme to copy.",
)
@config_option
def copy_theme(name: str, base: str, config_path: Path | None) -> None:
    """Copy a theme to templates/NAME beside newsletter.toml, complete and yours to change.

    \b
    Example:
      newsletter theme new ours --from classic
    """

    for path in new_theme(name, base, load(config_path).root):
        click.echo(path)
    click.echo(f'\nUse it with [theme] name = "{name}" in newsletter.toml.')
