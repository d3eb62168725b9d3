"""Templates and labels of our own pages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from newsletter.files import package_folder


def page_folder(name: str) -> Path:
    """The folder of one page's templates and assets. ConfigError if the installation lacks it."""
    return package_folder("templates", name)


def page_words(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """The labels of the pages, by language: `labels.toml`."""
    return tomllib.loads((folder / "labels.toml").read_text("utf-8"))


def page_environment(*folders: Path) -> Environment:
    """Templates of the first folder that has them. All output is escaped; an undefined name is an error."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
