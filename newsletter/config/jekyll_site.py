"""The blog of the posts: its address from newsletter.toml or from its `_config.yml`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from newsletter.config.jekyll_pages import BlogData, BlogPages
from newsletter.errors import ConfigError, located
from newsletter.model.issue import Site
from newsletter.text import LONG_NUMBER

CONFIG = "_config.yml"


def read_site(source: Path | None, *, url: str, baseurl: str, permalink: str) -> Site:
    """The site's values; newsletter.toml overrides the blog's own. `source` is the blog's folder.

    Raises ConfigError with file and line.
    """
    values: dict[str, Any] = {}
    if source is not None:
        values = _read(source / CONFIG)
    site = Site(
        url=(url or str(values.get("url") or "")).rstrip("/"),
        baseurl=(baseurl or str(values.get("baseurl") or "")).rstrip("/"),
        # Without a blog's own configuration its permalinks are unknown: only a configured template counts.
        permalink=permalink or str(values.get("permalink") or ("date" if source is not None else "")),
        values=values,
    )
    if source is None:
        return site
    values["data"] = BlogData(source / str(values.get("data_dir") or "_data"))
    return replace(site, pages=BlogPages(source, site))


def _problem(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, yaml.reader.ReaderError):
        return f"it holds the control character U+{error.character:04X}"
    if type(error) is ValueError and "digits" in str(error):
        return LONG_NUMBER
    return str(getattr(error, "problem", None) or error)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError("there is no such file", "[site] source names the folder of the blog", path=path) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"tried UTF-8, and byte {error.start} does not fit", "save it as UTF-8", path=path) from error
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", path=path) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date such as 2026-02-30
        mark = getattr(error, "problem_mark", None)
        what = f"not valid YAML ({_problem(error)})"
        raise ConfigError(
            located(str(path), mark.line + 1 if mark else None, what, "mend it; Jekyll needs it too")
        ) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError("not a list of `key: value` lines", "mend it", path=path)
    return {str(key): value for key, value in values.items()}
