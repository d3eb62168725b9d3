"""Read the configuration that a command works with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.config.load import load_config, load_environment

if TYPE_CHECKING:
    from newsletter.config.config import Config
    from newsletter.config.env_file import Environment


def load(path: Path | None, post: str = "") -> Config:
    """The configuration that a post belongs to: of its own folder or one above, else of the current one."""
    if path is None and post not in ("", "-"):
        config = load_config(None, os.environ, Path(post).parent)
        if config.path is not None:
            return config
    return load_config(path, os.environ, Path.cwd())


def environment(path: Path | None, post: str = "") -> Environment:
    """The variables that `load` would use, whether newsletter.toml and `.env` are valid or not."""
    if path is None and post not in ("", "-"):
        found = load_environment(None, os.environ, Path(post).parent)
        if found.file is not None:
            return found
    return load_environment(path, os.environ, Path.cwd())
