"""`newsletter digest`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from newsletter.cli.console import print_json, warn
from newsletter.cli.load_settings import load
from newsletter.errors import ConfigError, InvalidValueError
from newsletter.files import is_there, write_atomically
from newsletter.pipeline.digest import Digest, find_sources, make_digest, require_digest
from newsletter.pipeline.digest_days import read_day
from newsletter.pipeline.find_due import posts_place
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.render_post import zone_of
from newsletter.text import counted


def digest(  # one parameter per option
    posts: Path | None,
    since: str,
    until: str,
    out: Path | None,
    title: str,
    kind: str,
    force: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    config = load(config_path)
    zone = zone_of(config)
    today = datetime.now(UTC).astimezone(zone).date()
    first, last = _day("--since", since, today), _day("--until", until, today)
    if last < first:
        raise ConfigError(f"--until {last} is before --since {first}", "name a later day, or an earlier --since")
    folder = posts_place(config, posts)
    require_free([out], config=config, over_posts=True)
    if out is not None and is_there(out):
        if not force:
            what = "there is such a file, which may have been edited"
            raise ConfigError(what, "write --force to replace it", path=str(out))
        require_digest(out)
    sources = find_sources(folder, config, zone, first, last)
    made = make_digest(sources, name=config.settings.newsletter.name, day=last, kind=kind, title=title)
    warn(made.findings)
    if out is not None:
        write_atomically(out, made.text.encode())
    if as_json:
        print_json(_facts(made, out))
    elif out is None:
        click.echo(made.text, nl=False)
    else:
        stories = f"{counted(made.stories, 'story', 'stories')} of {counted(len(made.sources), 'issue')}"
        click.echo(f"{out}: {stories}, {made.retold:,} of them told twice and merged.")
        click.echo(f"Edit it, then look at it: newsletter preview {out}")


def _day(option: str, words: str, today: date) -> date:
    try:
        return read_day(words, today)
    except InvalidValueError as fault:
        raise ConfigError(f"{option} {fault.what}", fault.remedy) from fault


def _facts(made: Digest, out: Path | None) -> dict[str, object]:
    return {
        "out": None if out is None else str(out),
        "stories": made.stories,
        "merged": made.retold,
        "sections": list(made.sections),
        "issues": [
            {"post": source.path, "issue": source.issue.slug, "day": source.day.isoformat()} for source in made.sources
        ],
        "findings": list(made.findings),
        "text": made.text,
    }
