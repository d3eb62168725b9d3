"""`newsletter preview` without a post, or with a folder: the newsletter's home on this machine."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import is_terminal
from newsletter.cli.home_send import HomeDesk
from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import utc_now
from newsletter.errors import EXIT_UNSENT
from newsletter.signals import ending_requests
from newsletter.text import printable
from newsletter.web.home.server import HomeServer
from newsletter.web.home.survey import Inputs

if TYPE_CHECKING:
    from newsletter.config.config import Config
    from newsletter.web.home.send_room import SendRoom

HOUR_S = 3_600.0


def home(
    folder: Path | None,
    to: str | None,
    port: int,
    host: str,
    opens: bool | None,
    relay_url: str | None,
    config_path: Path | None,
) -> None:
    """Serve the home until Ctrl-C."""

    def read() -> Config:
        return load(config_path, str(folder / "post") if folder else "")

    lists = (to,) if to else ()
    desk = HomeDesk(read, lists, relay_url)
    server = HomeServer(Inputs(read, folder, lists), desk, clock=utc_now, host=host, port=port, relay_url=relay_url)
    with server, ending_requests() as ending:
        if port and server.port != port:
            click.echo(f"Port {port} is taken by another program; this is the next free one.", err=True)
        click.echo(f"Home: {server.url}")
        open_browser(server.url, opens)
        click.echo("Press Ctrl-C to stop.", err=True)
        while not ending.wait(HOUR_S):
            pass
        left = _drained(server.room)
    if left:
        sys.exit(EXIT_UNSENT)


def _drained(room: SendRoom | None) -> bool:
    """Let a send end after the messages under way; whether somebody is left by that. A second Ctrl-C ends at once."""
    if room is None or not room.progress.is_running:
        return False
    click.echo("The send ends after the messages under way; Ctrl-C once more ends at once.", err=True)
    room.stop()
    progress = room.join()
    if progress.end is not None:
        said = ", ".join(f"{name} {number:,}" for name, number in progress.end.rows)
        click.echo(printable(f"{progress.end.issue}: {said}. {progress.end.words}"), err=True)
    elif progress.error:
        click.echo(printable(progress.error), err=True)
    return progress.end is None or not progress.end.complete


def open_browser(url: str, opens: bool | None) -> None:
    """Open the page, by default on a terminal."""
    if is_terminal() if opens is None else opens:
        import webbrowser

        # Some browsers block the caller until they are closed.
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
