"""`newsletter preview` without a post, or with a folder: the newsletter's home on this machine."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import is_terminal, wait_at
from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import utc_now
from newsletter.web.home.server import HomeServer
from newsletter.web.home.survey import Inputs

if TYPE_CHECKING:
    from newsletter.config.config import Config


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

    inputs = Inputs(read, folder, (to,) if to else ())
    server = HomeServer(inputs, clock=utc_now, host=host, port=port, relay_url=relay_url)
    with server:
        if port and server.port != port:
            click.echo(f"Port {port} is taken by another program; this is the next free one.", err=True)
        click.echo(f"Home: {server.url}")
        open_browser(server.url, opens)
        wait_at(server)


def open_browser(url: str, opens: bool | None) -> None:
    """Open the page, by default on a terminal."""
    if is_terminal() if opens is None else opens:
        import webbrowser

        # Some browsers block the caller until they are closed.
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
