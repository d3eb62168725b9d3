"""`newsletter check`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.completions import complete_file
from newsletter.cli.lazy_group import runs
from newsletter.cli.list_options import ListName, column_option
from newsletter.cli.options import config_option, images_option, json_option

ALIKE = 5
"""Findings of one rule that are printed for a post; --all prints every one."""


@click.command()
@click.argument("posts", nargs=-1, required=True, metavar="POST...", shell_complete=complete_file)
@click.option("--fix", is_flag=True, help="Mend what can be mended without changing what the post says.")
@click.option("--dry-run", is_flag=True, help="With --fix: show what would change, and write nothing.")
@click.option("--links", is_flag=True, help="Ask the web whether the post's links are alive.")
@click.option("--no-spam", is_flag=True, help="Do not ask SpamAssassin, even where its spamc is installed.")
@click.option(
    "--to",
    multiple=True,
    type=ListName(),
    metavar="LIST.csv",
    help="The list, for the fields it must have; or @signups. Repeatable.",
)
@column_option
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings, too.")
@click.option("--theme", "with_theme", is_flag=True, help="What the theme's CSS lacks in some mail programs, too.")
@click.option("--all", "show_all", is_flag=True, help=f"Print every finding, not the first {ALIKE} of a kind.")
@images_option
@config_option
@json_option
@runs("newsletter.cli.check", "check")
def check() -> None:
    """Find what readers would stumble over, and what to write instead. Also in their mail programs.

    Exits with 1 where there is an error. A warning is about something that looks or reads worse than meant; a hint is
    good to know.

    \b
    Example:
      newsletter check posts/2026-03-06-hello.md --links
    """
