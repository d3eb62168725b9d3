"""`newsletter preview`."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.console import wait_at
from newsletter.cli.failures import MisuseError
from newsletter.cli.home import home, open_browser
from newsletter.cli.load_settings import load
from newsletter.cli.options import images_mode
from newsletter.errors import ConfigError, ContentError
from newsletter.files import is_folder, is_there
from newsletter.model.column_rules import Rule
from newsletter.text import printable
from newsletter.web.preview.live_rendering import LiveRendering
from newsletter.web.preview.server import PreviewServer


def preview(
    post: str | None,
    to: str | None,
    columns: tuple[Rule, ...],
    port: int,
    host: str,
    opens: bool | None,
    relay_url: str | None,
    images: str | None,
    config_path: Path | None,
) -> None:
    if post is None or (post != "-" and is_folder(Path(post))):
        _require_list(to)
        _require_own_options(columns, images)
        home(Path(post) if post is not None else None, to, port, host, opens, relay_url, config_path)
        return
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
        open_browser(server.url, opens)
        wait_at(server)


def _require_file(post: str, to: str | None) -> None:
    """Refuse names of missing files at once, instead of showing an empty page."""
    if post == "-":
        raise ContentError("preview watches a file, and standard input is none", "write the name of a post")
    if not is_there(Path(post)):
        raise ContentError("there is no such file", "check the name", path=post)
    _require_list(to)


def _require_own_options(columns: tuple[Rule, ...], images: str | None) -> None:
    if columns or images:
        raise MisuseError("--column and --images are for the preview of one post", "name it")


def _require_list(to: str | None) -> None:
    if to is not None and not to.startswith("@") and not is_there(Path(to)):
        raise ConfigError("there is no such file", "write --to subscribers.csv", path=to)


def printable_lines(text: str) -> str:
    """The lines of an error for the terminal; newsletter.toml may have several faults."""
    return "\n".join(map(printable, text.split("\n")))
