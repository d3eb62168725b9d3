"""`newsletter theme list`, `newsletter theme gallery` and `newsletter theme new`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.help_page import SummaryGroup
from newsletter.cli.lazy_group import Deferred, runs
from newsletter.cli.options import NamedPath, config_option, images_option


@click.group(cls=SummaryGroup)
def theme() -> None:
    """Look at the themes, or copy one to make it yours."""


@theme.command("list")
@config_option
@runs("newsletter.cli.theme", "list_themes")
def list_themes() -> None:
    """Name every theme that can be used here.

    \b
    Example:
      newsletter theme list
    """


@theme.command("gallery")
@click.argument("post")
@click.option("--out", type=NamedPath(), default="themes", show_default=True, help="Folder for the page.")
@images_option
@config_option
@runs("newsletter.cli.theme", "show_gallery")
def show_gallery() -> None:
    """Write a page that shows POST in every theme, on a desktop and on a phone, light and dark.

    \b
    Example:
      newsletter theme gallery posts/2026-03-06-hello.md
    """


@theme.command("new")
@click.argument("name")
@click.option(
    "--from",
    "base",
    default="classic",
    show_default=True,
    shell_complete=Deferred("newsletter.cli.theme_completion", "complete_theme"),
    help="The theme to copy.",
)
@config_option
@runs("newsletter.cli.theme", "copy_theme")
def copy_theme() -> None:
    """Copy a theme to templates/NAME beside newsletter.toml, complete and yours to change.

    \b
    Example:
      newsletter theme new ours --from classic
    """
