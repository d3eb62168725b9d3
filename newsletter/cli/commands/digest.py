"""`newsletter digest`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import runs
from newsletter.cli.options import NamedPath, config_option, json_option
from newsletter.model.digest_kinds import DIGESTS


@click.command()
@click.argument("posts", type=NamedPath(), required=False, metavar="[POSTS_DIR]")
@click.option("--since", required=True, metavar="DAY", help="The first day: monday, 2026-03-02, yesterday, 7d.")
@click.option("--until", default="today", metavar="DAY", help="The last day; today by default.")
@click.option("--out", type=NamedPath(), metavar="FILE", help="Write the post to this file.")
@click.option("--title", default="", help="The post's title.")
@click.option("--kind", type=click.Choice(DIGESTS), default=DIGESTS[0], help="Whom it is for; weekly by default.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@config_option
@json_option
@runs("newsletter.cli.digest", "digest")
def digest() -> None:
    """Make one post of several issues. Stories by section, each told once, the best first, and a table of the days.

    The post is Markdown, to edit, check and send like any other. Without --out it is printed.

    \b
    Example:
      newsletter digest --since monday --out week.md
    """
