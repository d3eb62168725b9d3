"""`newsletter render`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.completions import complete_file
from newsletter.cli.lazy_group import runs
from newsletter.cli.options import NamedPath, config_option, images_option, json_option


@click.command()
@click.argument("post", shell_complete=complete_file)
@click.option("--out", type=NamedPath(), help="Folder for the files.  [default: out/ISSUE]")
@images_option
@config_option
@json_option
@runs("newsletter.cli.render", "render")
def render() -> None:
    """Write POST as email.html, email.txt, email.mjml and issue.json. `-` reads the post from standard input.

    \b
    Example:
      newsletter render posts/2026-03-06-hello.md --out out/hello
    """
