"""Find a theme's folder and read it -> `Theme`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from newsletter.errors import ConfigError, located
from newsletter.model import Theme

# Each sheet with the at-rules it may hold: `style` goes through a CSS parser that would follow @import.
SHEETS: Mapping[str, tuple[str, ...]] = {"style": (), "live": ("media", "supports"), "outlook": ()}
REQUIRED = ("theme.toml", "issue.mjml.j2", *(f"{name}.css" for name in SHEETS))

_PACKAGE = Path(__file__).parent


def template_roots(project: Path) -> tuple[Path, ...]:
    """Where themes are looked up, first to last: beside the user's newsletter.toml, the package, the checkout.

    An editable install has no templates inside the package; the checkout's own folder serves it.
    """
    return (project / "templates", _PACKAGE / "templates", _PACKAGE.parent / "templates")


def load_theme(name: str, project: Path) -> Theme:
    """Read the theme of this name. Raises ConfigError naming the folder, the file, and what to write instead."""
    roots = template_roots(project)
    if not re.fullmatch(r"[\w][\w-]*", name):
        raise ConfigError(f"theme '{name}' is not the name of a theme; write one of: {', '.join(known_themes(roots))}")
    folder = next((root / name for root in roots if (root / name / "theme.toml").is_file()), None)
    if folder is None:
        known = ", ".join(known_themes(roots))
        raise ConfigError(f"there is no theme '{name}' in {roots[0]} or among ours; write one of: {known}")
    for required in REQUIRED:
        if not (folder / required).is_file():
            raise ConfigError(f"{folder / required}: the theme lacks this file; copy it from the classic theme")
    partials = {path.name: _read(path) for path in sorted(folder.glob("*.j2"))}
    css = {name: _read(folder / f"{name}.css") for name in SHEETS}
    for name, allowed in SHEETS.items():
        _refuse_imports(folder / f"{name}.css", css[name], allowed=allowed)
    labels_root = next(root for root in reversed(roots) if (root / "labels.toml").is_file())
    labels = _merge(_toml(labels_root / "labels.toml"), _toml(folder / "labels.toml", missing_ok=True))
    return Theme(name, partials, css, _toml(folder / "theme.toml"), labels, str(folder))


def known_themes(roots: Sequence[Path]) -> tuple[str, ...]:
    return tuple(sorted({path.parent.name for root in roots for path in root.glob("*/theme.toml")}))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: tried UTF-8, and byte {error.start} does not fit; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error


def _toml(path: Path, *, missing_ok: bool = False) -> Mapping[str, Any]:
    if missing_ok and not path.exists():
        return {}
    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}; mend the TOML") from error


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Mapping[str, Any]:
    return {lang: {**base.get(lang, {}), **over.get(lang, {})} for lang in (*base, *over)}


def _refuse_imports(path: Path, css: str, *, allowed: tuple[str, ...]) -> None:
    # Security: the CSS parser follows @import even offline, file:// included, so no at-rule beyond these gets there;
    # a backslash could spell one (`@\69mport`) and is refused with it.
    for found in re.finditer(r"@\s*([\w\\-]*)", css):
        if found[1].lower() not in allowed:
            line = css[: found.start()].count("\n") + 1
            remedy = f"use only @{' and @'.join(allowed)} here" if allowed else "move it to live.css or drop it"
            raise ConfigError(located(str(path), line, f"the rule @{found[1]} is not allowed", remedy))
