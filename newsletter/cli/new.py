"""`newsletter new`: create the next post from a template."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from newsletter.cli.console import print_json, require_utf8
from newsletter.cli.load_settings import load
from newsletter.errors import ConfigError
from newsletter.pipeline.starter import best_language, new_post
from newsletter.text import printable


def new(title: str, day: str | None, config_path: Path | None, as_json: bool) -> None:
    title = " ".join(title.split())
    require_utf8("the title", title)
    if not title:
        raise ConfigError("new: the title is empty", 'write newsletter new "What the week brought"')
    config = load(config_path)
    language = best_language(config.settings.newsletter.language or "en")
    path = new_post(config.root, title, _day(day, config.settings.delivery.time_zone), language)
    if as_json:
        print_json({"post": str(path)})
        return
    click.echo(printable(str(path)))


def _day(text: str | None, zone: object) -> date:
    if text is None:
        return datetime.now(zone).date()  # type: ignore[arg-type]
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--date {printable(text)!r} is no day", "write it as 2026-03-06") from None
