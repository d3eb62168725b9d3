"""`newsletter preview`."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from newsletter.cli.console import is_terminal, wait_at
from newsletter.cli.load_settings import load
from newsletter.cli.options import images_mode
from newsletter.errors import ConfigError, ContentError
from newsletter.files import is_folder, is_there
from newsletter.model.column_rules import Rule
from newsletter.text import printable
from newsletter.web.preview.live_rendering import LiveRendering
from newsletter.web.preview.server import PreviewServer


def preview(
    post: str,
    to: str | None,
    columns: tuple[Rule, ...],
    port: int,
    host: str,
    opens: bool | None,
    relay_url: str | None,
    images: str | None,
    config_path: Path | None,
) -> None:
    _require_file(post, to)

    live = LiveRendering(
        Path(post), lambda: load(config_path, post), to=to, columns=columns, images=images_mode(images)
    )
    server = PreviewServer(
        live,
        host=host,
        port=port,
        relay_url=relay_url,
        on_trouble=lambda text: click.echo(printable_lines(text), err=True),
    )
    with server:
        if port and server.port != port:
            click.echo(f"Port {port} is taken by another program; this is the next free one.", err=True)
        if server.is_public:
            click.echo("Everyone who reaches this machine can read the preview and send tests from it.", err=True)
        click.echo(f"Preview: {server.url}")
        if is_terminal() if opens is None else opens:
            import webbrowser

            # Some browsers block the caller until they are closed.
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
        wait_at(server)


def _require_file(post: str, to: str | None) -> None:
    """Refuse names of missing files at once, instead of showing an empty page."""
    if post == "-":
        raise ContentError("preview watches a file, and standard input is none", "write the name of a post")
    if is_folder(Path(post)):
        raise ContentError("this is a folder", "name the post inside it", path=post)
    if not is_there(Path(post)):
        raise ContentError("there is no such file", "check the name", path=post)
    if to is not None and not to.startswith("@") and not is_there(Path(to)):
        raise ConfigError("there is no such file", "write --to subscribers.csv", path=to)


def printable_lines(text: str) -> str:
    """The lines of an error for the terminal; newsletter.toml may have several faults."""
    return "\n".join(map(printable, text.split("\n")))
