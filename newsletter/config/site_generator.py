"""Detect the static site generator of a folder, its folders of posts, and what it publishes."""

from __future__ import annotations

from pathlib import Path

from newsletter.frozen import frozen


@frozen
class Generator:
    """`marks` are files that only its sites have; `posts` its folders of posts, the usual one first.

    `publishes_root`: whether files beside its configuration are published unless excluded.
    """

    name: str
    marks: tuple[str, ...]
    posts: tuple[str, ...]
    publishes_root: bool = False


GENERATORS = (
    Generator("Jekyll", ("_config.yml", "_config.yaml", "_config.toml"), ("_posts",), publishes_root=True),
    Generator("Hugo", ("hugo.toml", "hugo.yaml", "hugo.json"), ("content/posts", "content/post", "content")),
    Generator("Pelican", ("pelicanconf.py",), ("content",)),
    Generator(
        "Eleventy",
        (".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs", "eleventy.config.ts"),
        ("posts", "src/posts", "content", "blog"),
    ),
    Generator(
        "Astro",
        ("astro.config.mjs", "astro.config.js", "astro.config.ts"),
        ("src/content/blog", "src/content/posts", "src/pages/posts"),
    ),
)
_HUGO_OLD = ("config.toml", "config.yaml", "config.yml")


def find_generator(folder: Path) -> Generator | None:
    """The generator whose configuration is in `folder`; None without one."""
    for generator in GENERATORS:
        if any((folder / mark).is_file() for mark in generator.marks):
            return generator
    if (folder / "content").is_dir() and any((folder / mark).is_file() for mark in _HUGO_OLD):
        return next(generator for generator in GENERATORS if generator.name == "Hugo")
    return None


def posts_folder(folder: Path) -> Path:
    """The folder of the next post, relative to `folder`: the site's folder of posts, else `posts`, existing or not."""
    generator = find_generator(folder)
    for name in (*(generator.posts if generator else ()), "posts", "_posts"):
        if (folder / name).is_dir():
            return Path(name)
    return Path(generator.posts[0] if generator else "posts")
