"""Load a theme: find its folder, merge it with the themes that it extends."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from newsletter.errors import ConfigError, located
from newsletter.files import is_file, is_missing
from newsletter.frozen import frozen
from newsletter.model.rendered_email import Theme
from newsletter.render.images.logo import LOGOS
from newsletter.render.themes.brand import merge_layers, merge_values
from newsletter.render.themes.folders import VALUES, known_themes, template_roots
from newsletter.render.themes.frame_words import FrameWords, frame_words
from newsletter.render.themes.read_file import read_theme_file
from newsletter.render.themes.stylesheets import SHEETS, refuse_rules
from newsletter.render.themes.values import LABELS_SCHEMA, SCHEMA, is_name
from newsletter.text import printable, shown
from newsletter.toml_file.fault_messages import faults_error, nearest
from newsletter.toml_file.lines import line_of
from newsletter.toml_file.parse import parse_toml
from newsletter.toml_file.section import read_sections

REQUIRED = ("issue.mjml.j2", *(f"{name}.css" for name in SHEETS))
LABELS = "labels.toml"


def load_theme(name: str, project: Path) -> Theme:
    """Load the theme of this name with all it inherits. Raises ConfigError with file, line and remedy."""
    roots = template_roots(project)
    layers = theme_layers(name, roots)
    folder = layers[0].folder
    files = theme_files(layers)
    for required in REQUIRED:
        if required not in files:
            remedy = f'copy it from the classic theme, or write extends = "classic" in {VALUES}'
            raise ConfigError(located(str(folder / required), None, "the theme lacks this file", remedy))
    for sheet, allowed in SHEETS.items():
        refuse_rules(str(files[f"{sheet}.css"]), read_theme_file(files[f"{sheet}.css"]), allowed=allowed)
    ours = next(root / LABELS for root in reversed(roots) if is_file(root / LABELS))
    return Theme(
        name,
        partials={file: read_theme_file(path) for file, path in files.items() if file.endswith(".j2")},
        css={sheet: read_theme_file(files[f"{sheet}.css"]) for sheet in SHEETS},
        values=_with_quoted_fonts(merge_values(_with_logo_files(layer, project) for layer in reversed(layers))),
        labels=_labels(frame_words(str(ours), read_theme_file(ours)), layers),
        origin=str(folder),
        files={file: str(path) for file, path in files.items()},
    )


def _labels(words: FrameWords, layers: Sequence[Layer]) -> Mapping[str, Mapping[str, Any]]:
    """Our own words, beneath those of the layers that have any."""
    own = [layer.labels for layer in reversed(layers) if layer.labels]
    return merge_layers([words, *own]) if own else words


def logo_file(layer: Layer, name: str, project: Path) -> Path | None:
    """The path of a logo's file: relative to its theme.toml, else to the project's folder."""
    return next((path for folder in (layer.folder, project) if is_file(path := folder / name)), None)


def _with_logo_files(layer: Layer, project: Path) -> Mapping[str, Any]:
    """A layer's values with the paths of its logo files."""
    brand = dict(layer.values.get("brand", {}))
    for key in LOGOS:
        if not (name := brand.get(key)) or "://" in name:
            continue
        path = logo_file(layer, name, project)
        if path is None:
            line = line_of(layer.source, ("brand", key))
            what = f"[brand] {key} is {shown(name)}, and there is no such file beside {VALUES} or newsletter.toml"
            remedy = "put it there, or write its address"
            raise ConfigError(located(str(layer.folder / VALUES), line, what, remedy))
        brand[key] = str(path)
    return {**layer.values, "brand": brand} if brand else layer.values


# --- inheritance ----------------------------------------------------------------------------------------------------


@frozen
class Layer:
    """One theme's own folder: the text of its theme.toml, its values, and its labels."""

    folder: Path
    source: str
    values: Mapping[str, Any]
    labels: Mapping[str, Any]


def theme_layers(name: str, roots: Sequence[Path]) -> tuple[Layer, ...]:
    """A theme and those it extends, nearest first.

    A base is searched from its heir's root onward: a user's theme may extend ours of the same name, and ours never
    extends a user's.
    """
    by_place: dict[Path, Path] = {}
    for root in roots:
        by_place.setdefault(root.resolve(), root)
    distinct = [*by_place.values()]
    found = _find(name, distinct) if is_name(name) else None
    if found is None:
        what = f"there is no theme '{printable(name)}' in {roots[0]} or among ours"
        raise ConfigError(located("", None, what, f"write one of: {', '.join(known_themes(distinct))}"))
    layers: list[Layer] = []
    chain: list[tuple[str, int]] = []
    while True:
        chain.append((name, found))
        layer, base = _read_layer(distinct[found] / name)
        layers.append(layer)
        if not base:
            return tuple(layers)
        line = line_of(layer.source, ("extends",))
        path = str(layer.folder / VALUES)
        found_base = _find(base, distinct[found:], skip=base == name) if is_name(base) else None
        if found_base is None:
            what = f"extends {shown(base)}, and there is no such theme{' but this one' if base == name else ''}"
            others = [each for each in known_themes(distinct) if each != name]
            raise ConfigError(located(path, line, what, nearest(base, others)))
        name, found = base, found + found_base
        if (name, found) in chain:
            circle = " -> ".join([*(each for each, _ in chain[chain.index((name, found)) :]), name])
            what = f"extends {shown(base)}, which goes round in a circle ({circle})"
            raise ConfigError(located(path, line, what, "take `extends` out of one of them"))


def _find(name: str, roots: Sequence[Path], *, skip: bool = False) -> int | None:
    """The index of the first root with a theme of this name; `skip` ignores the first root."""
    return next(
        (i for i, root in enumerate(roots) if i >= skip and not is_missing(root / name / VALUES, follow=False)), None
    )


def _read_layer(folder: Path) -> tuple[Layer, str]:
    source = read_theme_file(folder / VALUES)
    values = _declared(str(folder / VALUES), source, labels=False)
    labels = folder / LABELS
    words = {} if is_missing(labels, follow=False) else _declared(str(labels), read_theme_file(labels), labels=True)
    layer = Layer(folder, source, {key: value for key, value in values.items() if key != "extends"}, words)
    return layer, values.get("extends", "")


@lru_cache(maxsize=100)  # the preview loads a theme for each rendering
def _declared(path: str, source: str, *, labels: bool) -> Mapping[str, Any]:
    """The tree of a theme's values or of its labels, with unresolved values."""
    schema = LABELS_SCHEMA if labels else SCHEMA
    tree = parse_toml(path, source)
    _, faults = read_sections(schema, tree)
    if faults:
        raise faults_error(path, source, tree, faults, schema)
    return tree


_NEEDS_QUOTES = re.compile(r"(?:^|\s)-?\d|\.")
"""A font family whose words are not all CSS identifiers: unquoted, browsers drop the whole list (CSS Fonts 4, 2.1)."""


def _with_quoted_fonts(values: dict[str, Any]) -> dict[str, Any]:
    fonts = values.get("fonts", {})
    quoted = {name: _quoted_stack(fonts[name]) for name in ("body", "mono") if name in fonts}
    return {**values, "fonts": {**fonts, **quoted}}


def _quoted_stack(stack: str) -> str:
    """A font stack with its names quoted as necessary: `"Source Sans 3",sans-serif`."""
    names = re.findall(r"""(?:"[^"]*"|'[^']*'|[^,"'])+""", stack)
    return ",".join(
        f'"{" ".join(name.split())}"' if not re.search("[\"']", name) and _NEEDS_QUOTES.search(name.strip()) else name
        for name in names
    )


def theme_files(layers: Sequence[Layer]) -> Mapping[str, Path]:
    """Templates and sheets by name, each from the nearest layer with that file."""
    found: dict[str, Path] = {}
    for layer in reversed(layers):
        names = sorted(_names_in(layer.folder))
        for ending in (".css", ".j2"):
            found.update({name: layer.folder / name for name in names if name.endswith(ending)})
    return found


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are all that is wanted
    except OSError:  # it may be entered and not listed: then it has no file that is found by its name's ending
        return []
