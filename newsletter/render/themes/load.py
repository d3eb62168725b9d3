"""Find a theme's folder, read it with the themes it builds on -> `Theme`; copy a theme for its user to edit."""

from __future__ import annotations

import difflib
import json
import math
import re
import shutil
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from newsletter.errors import ConfigError, FaultError, located
from newsletter.files import open_regular
from newsletter.model.labels import check_label
from newsletter.model.rendered_email import Theme
from newsletter.render.size_budget import STEPS
from newsletter.render.themes.stylesheets import SHEETS, refuse_rules
from newsletter.text import CONTROL, LONG_NUMBER, digits_line, printable, shown
from newsletter.toml_lines import line_of

REQUIRED = ("issue.mjml.j2", *(f"{name}.css" for name in SHEETS))
VALUES = "theme.toml"
LABELS = "labels.toml"

_PACKAGE = Path(__file__).parent


def template_roots(project: Path) -> tuple[Path, ...]:
    """Where themes are looked up, first to last: beside the user's newsletter.toml, the package, the checkout.

    An editable install has no templates inside the package; the checkout's own folder serves it.
    """
    return (project / "templates", _PACKAGE / "templates", _PACKAGE.parent / "templates")


def known_themes(roots: Sequence[Path]) -> tuple[str, ...]:
    return tuple(sorted({path.parent.name for root in roots for path in root.glob(f"*/{VALUES}")}))


def load_theme(name: str, project: Path) -> Theme:
    """Read the theme of this name with all it inherits. Raises ConfigError naming the file, the line, the remedy."""
    roots = template_roots(project)
    layers = _layers(name, roots)
    folder = layers[0].folder
    files = _files(layers)
    for required in REQUIRED:
        if required not in files:
            remedy = f'copy it from the classic theme, or write extends = "classic" in {VALUES}'
            raise ConfigError(located(str(folder / required), None, "the theme lacks this file", remedy))
    for sheet, allowed in SHEETS.items():
        refuse_rules(str(files[f"{sheet}.css"]), _read(files[f"{sheet}.css"]), allowed=allowed)
    ours = next(root / LABELS for root in reversed(roots) if (root / LABELS).is_file())
    return Theme(
        name,
        partials={file: _read(path) for file, path in files.items() if file.endswith(".j2")},
        css={sheet: _read(files[f"{sheet}.css"]) for sheet in SHEETS},
        values=_with_quoted_fonts(_merged(layer.values for layer in reversed(layers))),
        labels=_merged([_parse(ours, _read(ours)), *(layer.labels for layer in reversed(layers))]),
        origin=str(folder),
        files={file: str(path) for file, path in files.items()},
    )


def new_theme(name: str, base: str, project: Path) -> tuple[Path, ...]:
    """Copy a theme, with all it inherits, into the project's templates under a new name -> the files written.

    The copy stands alone. Raises ConfigError where a theme of that name is there already; nothing is overwritten.
    """
    if not _is_name(name):
        remedy = "use letters, digits, - and _, a letter or digit first"
        raise ConfigError(f"{shown(name)} cannot be the name of a theme; {remedy}")
    layers = _layers(base, template_roots(project))
    target = project / "templates" / name
    contents = {file: path.read_bytes() for file, path in _files(layers).items()}
    contents[VALUES] = _standalone_values(layers).encode()
    if labels := _merged(layer.labels for layer in reversed(layers)):
        contents[LABELS] = _toml(labels).encode()
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise ConfigError(f"{target}: it is there already; choose another name, or move it away") from None
    except OSError as error:
        raise ConfigError(f"{target}: cannot be made ({error.strerror}); choose another place") from error
    try:
        # theme.toml comes last: without it a folder is no theme, so one cut short is never taken for one.
        for file in sorted(contents, key=lambda file: (file == VALUES, file)):
            (target / file).write_bytes(contents[file])
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise ConfigError(f"{target}: cannot be written ({error.strerror}); choose another place") from error
    return tuple(target / file for file in sorted(contents))


# --- inheritance ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layer:
    """One theme's own folder: the text of its theme.toml, what that says, and its own labels."""

    folder: Path
    source: str
    values: Mapping[str, Any]
    labels: Mapping[str, Any]


def _layers(name: str, roots: Sequence[Path]) -> tuple[_Layer, ...]:
    """A theme and those it extends, nearest first.

    A base is looked up from its heir's root onward: a user's theme may build on ours of the same name, and one of
    ours never builds on a user's.
    """
    distinct = [root for i, root in enumerate(roots) if root.resolve() not in {each.resolve() for each in roots[:i]}]
    known = known_themes(distinct)
    found = _find(name, distinct) if _is_name(name) else None
    if found is None:
        what = f"there is no theme '{printable(name)}' in {roots[0]} or among ours"
        raise ConfigError(f"{what}; write one of: {', '.join(known)}")
    layers: list[_Layer] = []
    chain: list[tuple[str, int]] = []
    while True:
        chain.append((name, found))
        layer, base = _read_layer(distinct[found] / name)
        layers.append(layer)
        if not base:
            return tuple(layers)
        line = line_of(layer.source, ("extends",))
        path = str(layer.folder / VALUES)
        found_base = _find(base, distinct[found:], skip=base == name) if _is_name(base) else None
        if found_base is None:
            what = f"extends {shown(base)}, and there is no such theme{' but this one' if base == name else ''}"
            raise ConfigError(located(path, line, what, _suggestion(base, [each for each in known if each != name])))
        name, found = base, found + found_base
        if (name, found) in chain:
            circle = " -> ".join([*(each for each, _ in chain[chain.index((name, found)) :]), name])
            what = f"extends {shown(base)}, which goes round in a circle ({circle})"
            raise ConfigError(located(path, line, what, "take `extends` out of one of them"))


def _find(name: str, roots: Sequence[Path], *, skip: bool = False) -> int | None:
    """The index of the first root that has a theme of this name; `skip` leaves the first root out."""
    return next((i for i, root in enumerate(roots) if i >= skip and (root / name / VALUES).is_file()), None)


def _read_layer(folder: Path) -> tuple[_Layer, str]:
    path = folder / VALUES
    source = _read(path)
    values = dict(_parse(path, source))
    base = values.pop("extends", "")
    if not isinstance(base, str):
        raise ConfigError(_fault(path, source, ("extends",), f"is {shown(base)}", 'write extends = "classic"'))
    _check(path, source, values)
    return _Layer(folder, source, values, _read_labels(folder / LABELS)), base


def _read_labels(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    source = _read(path)
    labels = _parse(path, source)
    for lang, words in labels.items():
        if not isinstance(words, dict):
            remedy = "write it below the header of a language, as in [en]"
            raise ConfigError(located(str(path), line_of(source, (lang,)), _outside(lang), remedy))
        for name, value in words.items():
            try:
                check_label(name, value)
            except FaultError as fault:
                raise ConfigError(_fault(path, source, (lang, name), fault.what, fault.remedy)) from None
    return labels


_NEEDS_QUOTES = re.compile(r"(?:^|\s)-?\d|\.")
"""A family whose words are not all CSS identifiers: unquoted, browsers drop the whole list (CSS Fonts 4, 2.1)."""


def _with_quoted_fonts(values: dict[str, Any]) -> dict[str, Any]:
    fonts = values.get("fonts", {})
    quoted = {name: _quoted_stack(fonts[name]) for name in ("body", "mono") if name in fonts}
    return {**values, "fonts": {**fonts, **quoted}}


def _quoted_stack(stack: str) -> str:
    """A list of fonts in which each name that must be quoted is, as in `"Source Sans 3",sans-serif`."""
    names = re.findall(r"""(?:"[^"]*"|'[^']*'|[^,"'])+""", stack)
    return ",".join(
        f'"{" ".join(name.split())}"' if not re.search("[\"']", name) and _NEEDS_QUOTES.search(name.strip()) else name
        for name in names
    )


def _files(layers: Sequence[_Layer]) -> Mapping[str, Path]:
    """Templates and sheets by name, each from the nearest layer that has it."""
    return {
        path.name: path
        for layer in reversed(layers)
        for pattern in ("*.css", "*.j2")
        for path in sorted(layer.folder.glob(pattern))
    }


def _merged(tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Tables laid over each other, the last on top; tables inside them likewise."""
    result: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            below = result.get(key)
            if isinstance(value, dict) and isinstance(below, dict):
                value = _merged([below, value])
            result[key] = value
    return result


# --- labels.toml ----------------------------------------------------------------------------------------------------

"""The labels with parts to fill in, and which parts those may be."""


# --- theme.toml -----------------------------------------------------------------------------------------------------


def _colour(value: Any) -> None:
    # Six digits: Outlook on Windows reads no short form, no name beyond the oldest, and no alpha.
    if not (isinstance(value, str) and re.fullmatch("#[0-9A-Fa-f]{6}", value)):
        raise FaultError(f"is {shown(value)}, not a colour", 'write six digits, as in "#1f2328"')


def _pixels(value: Any) -> None:
    if type(value) is not int or value <= 0:
        raise FaultError(f"is {shown(value)}, not a size in pixels", "write a whole number above 0")


def _corner(value: Any) -> None:
    if type(value) is not int or value < 0:
        raise FaultError(f"is {shown(value)}, not a size in pixels", "write a whole number, 0 for square corners")


def _ratio(value: Any) -> None:
    if type(value) not in {int, float} or not math.isfinite(value) or value <= 0:
        raise FaultError(f"is {shown(value)}, not a size", "write a number above 0")


def _switch(value: Any) -> None:
    if type(value) is not bool:
        raise FaultError(f"is {shown(value)}, neither true nor false", "write true or false, without quotes")


def _font_stack(value: Any) -> None:
    # It stands inside style rules and attributes, where other marks would end them.
    if not (isinstance(value, str) and re.fullmatch(r"""[\w\s"',.-]*\w[\w\s"',.-]*""", value)):
        remedy = """write names between commas, as in 'Georgia,"Songti SC",serif'"""
        raise FaultError(f"is {shown(value)}, not a list of fonts", remedy)


def _picture_address(value: Any) -> None:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        good = value == "" or (parts is not None and parts.scheme == "https" and bool(parts.hostname))
    except ValueError:
        good = False
    if not good or CONTROL.search(value) or re.search(r"[\s\"'<>\\]", value):
        remedy = 'write a PNG or JPEG by its full address, "https://example.com/logo.png", or "" for none'
        raise FaultError(f"is {shown(value)}, not an https address", remedy)


def _button_style(value: Any) -> None:
    if value not in ("pill", "link"):
        raise FaultError(f"is {shown(value)}", 'write "pill" or "link"')


def _steps(value: Any) -> None:
    if not isinstance(value, list) or [step for step in value if step not in STEPS] or len(set(value)) < len(value):
        known = ", ".join(f'"{step}"' for step in STEPS)
        raise FaultError("is no list of what to give up, in order", f"write some of [{known}], each once")


Check = Callable[[Any], None]

_COLOURS: Mapping[str, Check] = dict.fromkeys(
    ("page", "card", "ink", "muted", "line", "accent", "tint", "second"), _colour
)

TABLES: Mapping[str, Mapping[str, Check]] = {
    "layout": {
        **dict.fromkeys(("width", "margin", "text", "story"), _pixels),
        "radius": _corner,
        "toc": _switch,
        "images": _switch,
    },
    "brand": {"logo": _picture_address, "logo_width": _pixels},
    "buttons": {"style": _button_style},
    "budget": {"order": _steps},
    "fonts": {"body": _font_stack, "mono": _font_stack, "size": _pixels, "line": _ratio},
    "light": _COLOURS,
    "dark": _COLOURS,
    "extra": {},
}
"""The tables of theme.toml and what each key may hold. `extra` is free: values for a theme's own templates."""


def _check(path: Path, source: str, values: Mapping[str, Any]) -> None:
    for table, keys in values.items():
        if not isinstance(keys, dict):
            owners = [owner for owner, known in TABLES.items() if table in known]
            remedy = f"write it below [{owners[0] if owners else 'extra'}]"
            raise ConfigError(located(str(path), line_of(source, (table,)), _outside(table), remedy))
        if table not in TABLES:
            what = f"no table is named [{printable(table)}]"
            remedy = f"{_suggestion(table, [*TABLES])}; values of your own go below [extra]"
            raise ConfigError(located(str(path), line_of(source, (table,)), what, remedy))
        for key, value in keys.items():
            if table == "extra":
                continue
            if key not in TABLES[table]:
                what = f"[{table}] has no key {shown(key)}"
                remedy = f"{_suggestion(key, [*TABLES[table]])}; values of your own go below [extra]"
                raise ConfigError(located(str(path), line_of(source, (table, key)), what, remedy))
            try:
                TABLES[table][key](value)
            except FaultError as fault:
                raise ConfigError(_fault(path, source, (table, key), fault.what, fault.remedy)) from None


def _outside(key: str) -> str:
    return f"the key {shown(key)} stands outside any table"


def _fault(path: Path, source: str, where: tuple[str, ...], what: str, remedy: str) -> str:
    name = f"[{where[0]}] {where[1]}" if len(where) > 1 else where[0]
    return located(str(path), line_of(source, where), f"{name} {what}", remedy)


def _suggestion(word: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"write one of: {', '.join(known)}"


def _is_name(name: str) -> bool:
    # Security: a name is a folder beneath a root of templates, and must not lead out of it.
    return re.fullmatch(r"\w[\w-]*", name) is not None


def _standalone_values(layers: Sequence[_Layer]) -> str:
    """A theme.toml that needs no base: the theme's own text, comments and all, where it says everything already."""
    merged = _merged(layer.values for layer in reversed(layers))
    kept = re.sub(r"(?m)^[ \t]*extends\s*=.*\n+", "", layers[0].source, count=1)
    try:
        whole = tomllib.loads(kept) == merged
    except tomllib.TOMLDecodeError:
        whole = False
    return kept if whole else _toml(merged)


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


# --- files ----------------------------------------------------------------------------------------------------------


def _read(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return file.read().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        what = f"tried UTF-8, and byte {error.start} does not fit"
        raise ConfigError(located(str(path), line, what, "save it as UTF-8")) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _parse(path: Path, source: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        # tomllib puts the place at the end of its words.
        place = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
        what, line = (place[1], int(place[2])) if place else (str(error), source.count("\n") + 1)
        column = int(place[3]) if place else None
        raise ConfigError(located(str(path), line, f"not TOML: {what}", "mend the line", column)) from error
    except ValueError as error:  # of the integers, after TOMLDecodeError, which is one too
        raise ConfigError(located(str(path), digits_line(source), LONG_NUMBER, "write a shorter one")) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: arrays or tables nested too deeply; write plain keys") from error
