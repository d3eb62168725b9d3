"""Terminal helpers of all commands: ask, warn and print."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from newsletter.errors import ConfigError
from newsletter.model.moments import shown_moment
from newsletter.signals import ending_requests
from newsletter.text import json_text, printable, valid_unicode
from newsletter.text_table import wrapped

if TYPE_CHECKING:
    from newsletter.pipeline.send_result import SendResult


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


NARROWEST = 40
"""Cells that lines are made to fit at least: on a terminal of less they are broken by it."""


def terminal_width() -> int | None:
    """How many cells a line of standard output has; None where that is no terminal, and no line is to be broken."""
    if not sys.stdout.isatty():
        return None
    return max(NARROWEST, shutil.get_terminal_size().columns)


def in_width(text: str, indent: str = "") -> list[str]:
    """A text as lines of standard output: broken where that is a terminal, behind `indent` from the second on."""
    width = terminal_width()
    return [printable(text)] if width is None else wrapped(printable(text), width, indent)


def ask(question: str, *, yes: bool, otherwise: str = "nothing was changed") -> None:
    """Continue only if the user confirms. Raises ConfigError without a terminal, or if the user declines."""
    if yes:
        return
    if not is_terminal():
        raise ConfigError(f"{question} There is no terminal to ask on", "write --yes to go on without asking")
    if not click.confirm(f"\n{question}", default=False, err=True):
        raise ConfigError(otherwise)


def require_utf8(name: str, typed: str) -> None:
    """Raises ConfigError for an argument with bytes that are no UTF-8: it would be written to a file."""
    if valid_unicode(typed) != typed:
        raise ConfigError(f"{name} {valid_unicode(typed)!r} is not UTF-8", "write it in a terminal that uses UTF-8")


def wait_at(server: object) -> None:
    """Keep a local page open until Ctrl-C."""
    with ending_requests() as ending:
        click.echo("Press Ctrl-C to stop.", err=True)
        while not ending.wait(3600):
            pass


def from_then(report: SendResult) -> str:

    moment = report.go_on_at
    return f", from {shown_moment(moment.astimezone())} on" if moment else ""


def warn(sentences: Iterable[str], limit: int = 50) -> None:
    shown: Sequence[str] = list(sentences)
    for sentence in shown[:limit]:
        click.echo(f"warning: {printable(sentence)}", err=True)
    if len(shown) > limit:
        click.echo(f"warning: … and {len(shown) - limit:,} more", err=True)


def print_json(data: dict[str, Any]) -> None:
    click.echo(json_out(data, indent=2))


def json_out(value: object, *, indent: int | None = None) -> str:
    """A value as JSON for standard output: ASCII if its encoding lacks letters, so that it stays valid JSON."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return json_text(value, indent=indent, ascii_only=not encoding.lower().startswith("utf"))


def near(path: str) -> str:
    """A path relative to the working directory if it is in there, as a user would type it."""
    inside = os.path.relpath(path)
    return path if inside.startswith(os.pardir) else inside
