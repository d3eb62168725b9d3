"""The output of `newsletter publish --watch`: a line per event, or a JSON object per line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import click

from newsletter.cli.console import json_out
from newsletter.text import printable


class WatchLog:
    """Lines with a time and the name of the job, on standard output; `quiet` leaves out `minor` ones."""

    def __init__(self, now: Callable[[], datetime], *, as_json: bool, quiet: bool) -> None:
        self._now = now
        self._as_json = as_json
        self._quiet = quiet

    def say(self, job: str, event: str, text: str, *, minor: bool = False, **facts: Any) -> None:
        if minor and self._quiet:
            return
        at = self._now()
        if self._as_json:
            entry = {"at": at.isoformat(timespec="seconds"), "job": job, "event": event, "text": text, **facts}
            click.echo(json_out(entry))
            return
        when = f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
        first, *more = text.split("\n")
        click.echo(f"{when}  {job:<8}  {event:<10}  {printable(first)}")
        for line in more:
            click.echo(f"{'':<43}{printable(line)}")

    def warn(self, sentences: Sequence[str], job: str = "publish") -> None:
        for sentence in sentences:
            self.say(job, "warning", sentence)
