"""`newsletter preview`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.completions import complete_file
from newsletter.cli.lazy_group import runs
from newsletter.cli.list_options import ListName, column_option
from newsletter.cli.options import Given, config_option, images_option


@click.command()
@click.argument("post", required=False, shell_complete=complete_file)
@click.option(
    "--to", type=ListName(), metavar="LIST.csv", help="Look at it as the people on a list, or as those of @signups."
)
@column_option
@click.option(
    "--port",
    type=int,
    metavar="PORT",
    default=8025,
    show_default=True,
    help="The next free one where it is taken; 0: any.",
)
@click.option("--host", default="127.0.0.1", metavar="HOST", show_default=True, help="The address to listen on.")
@click.option("--open/--no-open", "opens", default=None, help="Open the browser.  [default: on a terminal]")
@click.option(
    "--relay", "relay_url", type=Given(), metavar="URL", help="Where tests from the page go, instead of [relay]."
)
@images_option
@config_option
@runs("newsletter.cli.preview", "preview")
def preview() -> None:
    """Show POST in a browser as readers will see it. It is drawn anew with each save. Ctrl-C ends it.

    Without POST, or with a folder of posts: every post and its state, what is due, the last send.

    \b
    Example:
      newsletter preview
      newsletter preview posts/2026-03-06-hello.md --to subscribers.csv
    """
