"""Error messages for a declared TOML file: unknown keys with suggestions, examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from newsletter.errors import ConfigFaultsError, Located, located
from newsletter.text import printable, shown
from newsletter.toml_file.lines import Where, line_of
from newsletter.toml_file.section import Fault, Schema


def faults_error(
    name: str, text: str, tree: Mapping[str, Any], faults: Iterable[Fault], schema: Schema
) -> ConfigFaultsError:
    """One error for all faults of the file called `name`, by line. `tree` is the parsed `text`."""
    in_order = sorted(faults, key=lambda fault: line_of(text, fault.where) or 0)
    return ConfigFaultsError([sentence(name, text, tree, fault, schema) for fault in in_order])


def sentence(name: str, text: str, tree: Mapping[str, Any], fault: Fault, schema: Schema) -> Located:
    where = fault.where
    if fault.unknown:
        what, remedy = _unknown_key(tree, where, schema)
        return located(name, line_of(text, where), what, remedy)
    if where[0] in schema.top_keys:
        place, is_key = str(where[0]), True
    else:
        below = ".".join(printable(part) for part in where[1:] if isinstance(part, str))
        place, is_key = f"{_title(where)} {below}".rstrip(), bool(below)
    remedy = fault.remedy or (_example(where, schema) if is_key else f"write {_title(where)} and its keys below")
    return located(name, line_of(text, where), f"{place} {fault.what}", remedy)


def nearest(word: str, known: Sequence[str]) -> str:
    """The remedy for an unknown name: the similar one that was probably meant, else all valid names."""
    import difflib  # 10 ms, needed only for a fault

    found = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {found[0]}?" if found else f"it may have {', '.join(known)}"


def _title(where: Where) -> str:
    listed = where[0] == "relays" or (len(where) > 1 and isinstance(where[1], int))
    return f"[[{where[0]}]]" if listed else f"[{printable(str(where[0]))}]"


def _example(where: Where, schema: Schema) -> str:
    """The remedy for a key without one: its example."""
    if where[0] in schema.top_keys:
        return f"write {where[0]} = {toml(schema.top_keys[str(where[0])].example)}"
    names = [part for part in where[1:] if isinstance(part, str)]
    free = schema.free_key(str(where[0]))
    if free is not None:
        return f"write {_toml_key(names[-1])} = {toml(free.example)}"
    key = schema.keys(str(where[0]))[names[0]]
    if len(names) > 1 and isinstance(key.example, dict):
        return f"write {_toml_key(names[-1])} = {toml(next(iter(key.example.values())))}"
    return f"write {names[0]} = {toml(key.example)}"


def _unknown_key(tree: Mapping[str, Any], where: Where, schema: Schema) -> tuple[str, str]:
    key = str(where[-1])
    known: Sequence[str]
    if len(where) == 1:
        if not _is_section(tree[key]):
            owners = [section for section in schema.sections if key in schema.keys(section)]
            owner = owners[0] if owners else schema.default_section
            return f"the key {shown(key)} stands outside any section", f"write it below [{owner}]"
        what, known = f"no section is named [{printable(key)}]", tuple(schema.sections)
    else:
        section = str(where[0])
        what, known = f"{_title(where)} has no key {shown(key)}", tuple(schema.keys(section))
        if schema.variables and any(word in key.lower() for word in ("pass", "secret", "pem")):
            variable = schema.variables.get(section, schema.variables[""])
            return what, f"remove it, and set the environment variable {variable}"
        if key in schema.sections:
            return what, f"write it as a section of its own, [{key}]"
    return what, nearest(key, known) + (f"; {schema.hint}" if schema.hint else "")


def _is_section(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict) for each in value))


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{ " + ", ".join(f"{_toml_key(name)} = {toml(each)}" for name, each in value.items()) + " }"
        case list():
            return "[" + ", ".join(toml(each) for each in value) + "]"
        case _:
            return f"{value:g}"


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(printable(name))
