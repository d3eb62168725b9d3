"""The live line of a wait: its reason, its end, and that Ctrl-C is safe."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

from newsletter.model.moments import shown_local
from newsletter.text import printable


def wait_text(reason: str, until: float, now: float) -> str:
    """`quiet hours until 2026-03-02 07:00 CET, 3:12:09 to go; Ctrl-C is safe`; epoch seconds."""
    left = timedelta(seconds=max(0, round(until - now)))
    return printable(f"{reason}: until {shown_local(until)}, {left} to go; Ctrl-C is safe")


@contextlib.contextmanager
def live_line(reason: str, until: float, *, quiet: bool) -> Iterator[None]:
    """Show the line during the block. Without a terminal, or with `quiet`, nothing."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    def line() -> Text:
        return Text(wait_text(reason, until, time.time()))

    with Live(get_renderable=line, console=Console(stderr=True), refresh_per_second=1, transient=True):
        yield
