"""Copy a theme for its user to edit (`newsletter theme new`)."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from newsletter.errors import ConfigError
from newsletter.render.images.logo import LOGOS
from newsletter.render.themes.brand import merge_layers, merge_values
from newsletter.render.themes.folders import VALUES, template_roots
from newsletter.render.themes.load import LABELS, Layer, logo_file, theme_files, theme_layers
from newsletter.render.themes.values import is_name
from newsletter.text import shown


def new_theme(name: str, base: str, project: Path) -> tuple[Path, ...]:
    """Copy a theme, with all it inherits, into the project's templates under a new name; returns the written files.

    The copy has no base. Raises ConfigError if a theme of that name exists already; nothing is overwritten.
    """
    if not is_name(name):
        remedy = "use letters, digits, - and _, a letter or digit first"
        raise ConfigError(f"{shown(name)} cannot be the name of a theme", remedy)
    layers = theme_layers(base, template_roots(project))
    target = project / "templates" / name
    contents = {file: path.read_bytes() for file, path in theme_files(layers).items()}
    contents |= _logo_files(layers, project)
    contents[VALUES] = _standalone_values(layers).encode()
    if labels := merge_layers(layer.labels for layer in reversed(layers)):
        contents[LABELS] = _toml(labels).encode()
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise ConfigError("it is there already", "choose another name, or move it away", path=target) from None
    except OSError as error:
        raise ConfigError(f"cannot be made ({error.strerror})", "choose another place", path=target) from error
    try:
        # Write theme.toml last: without it a folder is no theme, so an interrupted copy is never taken for one.
        for file in sorted(contents, key=lambda file: (file == VALUES, file)):
            (target / file).write_bytes(contents[file])
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise ConfigError(f"cannot be written ({error.strerror})", "choose another place", path=target) from error
    return tuple(target / file for file in sorted(contents))


def _logo_files(layers: Sequence[Layer], project: Path) -> dict[str, bytes]:
    """The logo files in the theme's own folders, by name."""
    files: dict[str, bytes] = {}
    for layer in reversed(layers):
        for key in LOGOS:
            name = layer.values.get("brand", {}).get(key, "")
            path = logo_file(layer, name, project) if name and "://" not in name else None
            if path and path.parent == layer.folder:
                files[path.name] = path.read_bytes()
    return files


def _standalone_values(layers: Sequence[Layer]) -> str:
    """A theme.toml without a base: the theme's own text, including comments, if that is complete already."""
    merged = merge_layers(layer.values for layer in reversed(layers))
    whole_values = merge_values(layer.values for layer in reversed(layers))
    kept = re.sub(r"(?m)^[ \t]*extends\s*=.*\n+", "", layers[0].source, count=1)
    try:
        whole = tomllib.loads(kept) == merged
    except tomllib.TOMLDecodeError:
        whole = False
    return kept if whole else _toml(whole_values)


def _toml(tables: Mapping[str, Any]) -> str:
    return "\n".join(
        f"[{_key(name)}]\n" + "".join(f"{_key(key)} = {_toml_value(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    )


def _toml_value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)} = {_toml_value(each)}' for key, each in value.items())}}}"
    return str(value).lower() if isinstance(value, bool | float) else str(value)


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _toml_value(key)
