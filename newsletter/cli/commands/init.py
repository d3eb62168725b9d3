"""`newsletter init`: options and help."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.lazy_group import runs
from newsletter.cli.options import json_option
from newsletter.config.relay_presets import PRESETS
from newsletter.pipeline.starter_words import languages

RELAYS = (*(preset.key for preset in PRESETS), "none")
THEMES = ("classic", "brief", "essay")


@click.command()
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(path_type=Path))
@click.option("--name", help="The newsletter's name.")
@click.option("--from", "sender", metavar="SENDER", help='Who the mail is from: "Name <you@example.org>".')
@click.option(
    "--relay",
    "relay",
    type=click.Choice(RELAYS),
    metavar="SERVICE",
    help=f"The mail service that sends: {', '.join(RELAYS[:-1])}; none to write it in later.",
)
@click.option("--language", type=click.Choice(languages()), help="The language of the issues.")
@click.option("--look", type=click.Choice(THEMES), help="The theme.")
@click.option("--postal-address", default="", help="The postal address in the footer.")
@json_option
@runs("newsletter.cli.init", "init")
def init() -> None:
    """Start a newsletter in DIR: settings, an example post, a list. Also what git must leave out.

    \b
    Example:
      newsletter init letters
      newsletter init . --name "AI Daily" --from "Ada <ada@example.org>"
    """
