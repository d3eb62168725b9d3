"""Read the configuration that a command works with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.config.load import load_config

if TYPE_CHECKING:
    from newsletter.config.config import Config


def load(path: Path | None, post: str = "") -> Config:
    """The configuration that a post belongs to: of its own folder or one above, else of the current one."""
    if path is None and post not in ("", "-"):
        config = load_config(None, os.environ, Path(post).parent)
        if config.path is not None:
            return config
    return load_config(path, os.environ, Path.cwd())
