"""A page that shows a post in every theme."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from newsletter.config.config import Config
from newsletter.errors import ConfigError
from newsletter.files import write_atomically
from newsletter.frozen import frozen
from newsletter.message.fill_slots import fill, slot_values
from newsletter.pipeline.output_files import Written, browser_copy, html_sizes, write_rendering
from newsletter.pipeline.render_post import SAMPLE, Rendering, render_post
from newsletter.render.images.resolve import ImageMode
from newsletter.render.themes.folders import known_themes, template_roots
from newsletter.render.themes.project_pages import ProjectPages

PAGE = "gallery/index.html.j2"


@frozen
class ThemeShown:
    """A theme on the page: its email's files and size, or its fault."""

    name: str
    page: str = ""
    text: str = ""
    bytes: int = 0
    html: str = ""
    fault: str = ""


def gallery_files(config: Config, out: Path) -> tuple[Path, ...]:
    """The files that `write_gallery` writes at least, to check that it overwrites none of the author's."""
    return (out / "index.html", *(out / name / "email.html" for name in known_themes(template_roots(config.root))))


def write_gallery(post: str, config: Config, out: Path, images: ImageMode | None = None) -> tuple[Written, ...]:
    """Write index.html and a folder for each theme. A faulty theme is reported on the page, and does not stop the
    others.

    Raises ContentError if the post is at fault.
    """
    shown: list[ThemeShown] = []
    written: list[Written] = []
    title = ""
    for name in known_themes(template_roots(config.root)):
        try:
            rendering = render_post(post, config, images=images, theme_name=name)
        except ConfigError as fault:
            shown.append(ThemeShown(name, fault=str(fault)))
            continue
        title = rendering.issue.title
        written += write_rendering(rendering.issue, rendering.email, config.sample_sender, SAMPLE, out / name)
        shown.append(_shown(name, rendering, config))
    page = ProjectPages(template_roots(config.root)).render(PAGE, {"title": title or post, "themes": shown})
    path = out / "index.html"
    write_atomically(path, page.encode())
    return (Written(path, len(page.encode())), *written)


def _shown(name: str, rendering: Rendering, config: Config) -> ThemeShown:
    folder = quote(name)
    html = fill(browser_copy(rendering.email), slot_values(config.sample_sender, SAMPLE))
    # Inline: to a browser every local file is another origin, and a frame of another origin ignores our colour scheme.
    html = html.replace("<head>", f'<head><base href="{folder}/">', 1)
    size = html_sizes(rendering.email)["decoded"]
    return ThemeShown(name, f"{folder}/email.html", f"{folder}/email.txt", size, html)
