"""`newsletter theme list`, `newsletter theme gallery` and `newsletter theme new`."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.load_settings import load
from newsletter.cli.options import images_mode
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.theme_gallery import gallery_files, write_gallery
from newsletter.render.themes.copy_theme import new_theme
from newsletter.render.themes.folders import known_themes, template_roots
from newsletter.text import printable


def list_themes(config_path: Path | None) -> None:
    for name in known_themes(template_roots(load(config_path).root)):
        click.echo(printable(name))


def show_gallery(post: str, out: Path, images: str | None, config_path: Path | None) -> None:
    config = load(config_path, post)
    require_free(gallery_files(config, out), config=config, inputs=[post])
    page, *_ = write_gallery(post, config, out, images_mode(images))
    click.echo(page.path)


def copy_theme(name: str, base: str, config_path: Path | None) -> None:
    for path in new_theme(name, base, load(config_path).root):
        click.echo(path)
    click.echo(f'\nUse it with [theme] name = "{name}" in newsletter.toml.')
