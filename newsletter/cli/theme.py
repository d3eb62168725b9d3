"""`newsletter theme list`, `newsletter theme gallery` and `newsletter theme new`."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.completions import complete_theme
from newsletter.cli.help_page import SummaryGroup
from newsletter.cli.options import NamedPath, config_option, images_mode, images_option, load
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.theme_gallery import gallery_files, write_gallery
from newsletter.render.themes.copy_theme import new_theme
from newsletter.render.themes.folders import known_themes, template_roots


@click.group(cls=SummaryGroup)
def theme() -> None:
    """Look at the themes, or copy one to make it yours."""


@theme.command("list")
@config_option
def list_themes(config_path: Path | None) -> None:
    """Name every theme that can be used here.

    \b
    Example:
      newsletter theme list
    """

    for name in known_themes(template_roots(load(config_path).root)):
        click.echo(name)


@theme.command("gallery")
@click.argument("post")
@click.option("--out", type=NamedPath(), default="themes", show_default=True, help="Folder for the page.")
@images_option
@config_option
def show_gallery(post: str, out: Path, images: str | None, config_path: Path | None) -> None:
    """Write a page that shows POST in every theme, on a desktop and on a phone, light and dark.

    \b
    Example:
      newsletter theme gallery posts/2026-03-06-hello.md
    """

    config = load(config_path, post)
    require_free(gallery_files(config, out), config=config, inputs=[post])
    page, *_ = write_gallery(post, config, out, images_mode(images))
    click.echo(page.path)


@theme.command("new")
@click.argument("name")
@click.option(
    "--from",
    "base",
    default="classic",
    show_default=True,
    shell_complete=complete_theme,
    help="The theme to copy.",
)
@config_option
def copy_theme(name: str, base: str, config_path: Path | None) -> None:
    """Copy a theme to templates/NAME beside newsletter.toml, complete and yours to change.

    \b
    Example:
      newsletter theme new ours --from classic
    """

    for path in new_theme(name, base, load(config_path).root):
        click.echo(path)
    click.echo(f'\nUse it with [theme] name = "{name}" in newsletter.toml.')
