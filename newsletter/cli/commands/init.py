"""`newsletter init`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from newsletter.cli.lazy_group import runs
from newsletter.cli.options import json_option
from newsletter.config.relay_presets import PRESETS
from newsletter.config.relay_url import parse_relay
from newsletter.errors import ConfigError
from newsletter.pipeline.starter_words import languages

RELAYS = (*(preset.key for preset in PRESETS), "none")
THEMES = ("classic", "brief", "essay")


class RelayChoice(click.ParamType):  # type: ignore[type-arg]  # generic in some versions only
    """One of `RELAYS`, or an SMTP address without a password."""

    name = "relay"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip()
        if text.lower() in RELAYS:
            return text.lower()
        if "://" not in text:
            self.fail(f"{text!r} is none of {', '.join(RELAYS)}, and no smtp://host:port", param, ctx)
        try:
            parse_relay(text, {})
        except ConfigError as error:
            self.fail(str(error), param, ctx)
        return text

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(key) for key in RELAYS if key.startswith(incomplete)]


@click.command()
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(path_type=Path))
@click.option("--name", help="The newsletter's name.")
@click.option("--from", "sender", metavar="SENDER", help='Who the mail is from: "Name <you@example.org>".')
@click.option(
    "--relay",
    "relay",
    type=RelayChoice(),
    metavar="SERVICE|URL",
    help=f"What sends the mail: {', '.join(RELAYS[:-1])}; a server of your own as smtp://… or smtps://…; "
    "none to write it in later.",
)
@click.option("--your-name", default="", help="Your own name on the list.  [default: that of --from]")
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
