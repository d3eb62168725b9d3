"""`newsletter publish --crontab`: the lines of a crontab that run the same command, complete with paths and hours."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import warn
from newsletter.config.env_file import source_of
from newsletter.doctor.judge.env_file import secrets_set
from newsletter.errors import ConfigError
from newsletter.text import CONTROL

if TYPE_CHECKING:
    from newsletter.config.config import Config

_ONCE = ("--crontab", "--first", "--quiet")
"""Not for a line that runs every day, or added to it anyway."""


def print_crontab(config: Config) -> None:
    """Print the lines for the command that was typed, and for bounces and clicks where they are configured."""
    words = [word for word in sys.argv[1:] if word not in _ONCE]
    for line in crontab_lines(config, words, Path.cwd(), program(), datetime.now()):
        click.echo(line)
    alone = [name for name in secrets_set(config, config.env) if source_of(config.env, name) == "environment"]
    if alone:
        place = (config.path.parent if config.path else Path()) / ".env"
        warn([f"{', '.join(alone)}: set in your environment, which cron does not have; write it into {place}"])


def program() -> Sequence[str]:
    """The words that start this program from anywhere."""
    script = Path(sys.executable).with_name("newsletter")
    return (str(script),) if script.is_file() else (sys.executable, "-m", "newsletter")


def crontab_lines(
    config: Config, words: Sequence[str], folder: Path, start: Sequence[str], now: datetime
) -> Sequence[str]:
    """`words` are those of publish, `start` the program; hours are those of this machine's clock in `now`'s year."""
    if CONTROL.search("".join((*words, *start, str(folder)))):
        raise ConfigError("publish: --crontab: a path has a line break or control character", "rename it")
    settings = config.settings
    given = _config_option(words)
    lines = [
        f"# {settings.newsletter.name}: put these lines into `crontab -e`. cron mails you what they print.",
        _line(f"7,37 {_hours(config, now)} * * *", folder, (*start, *words, "--quiet")),
    ]
    if settings.bounces.mailbox:
        lines.append(_line("23 */3 * * *", folder, (*start, "bounces", *given)) + " >/dev/null")
    if settings.watch.sync:
        lines.append(_line("41 * * * *", folder, (*start, "sync", settings.watch.sync, *given)) + " >/dev/null")
    return lines


def _line(when: str, folder: Path, words: Iterable[str]) -> str:
    # A % in a crontab ends the command, unless a backslash is before it.
    return f"{when}  cd {shlex.quote(str(folder))} && {shlex.join(words)}".replace("%", "\\%")


def _config_option(words: Sequence[str]) -> Sequence[str]:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--config":
            return ("--config", following)
        if word.startswith("--config="):
            return (word,)
    return ()


def _hours(config: Config, now: datetime) -> str:
    """The hours of [publish] on this machine's clock, in summer and in winter; all where none are set."""
    keys, zone = config.settings.publish, config.settings.delivery.time_zone
    if not keys.send_at and not keys.latest:
        return "*"
    opens, closes = int((keys.send_at or "00")[:2]), int((keys.latest or "23")[:2])
    span = [(opens + step) % 24 for step in range((closes - opens) % 24 + 1)]
    found: set[int] = set()
    for month in (1, 7):
        for hour in span:
            wall = datetime(now.year, month, 1, hour, tzinfo=zone)
            found |= {at.astimezone().hour for at in (wall, wall + timedelta(minutes=59))}
    return _ranges(sorted(found))


def _ranges(hours: Sequence[int]) -> str:
    """Hours as cron has them: `8-11,22`."""
    parts: list[list[int]] = []
    for hour in hours:
        if parts and parts[-1][-1] == hour - 1:
            parts[-1].append(hour)
        else:
            parts.append([hour])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
