"""Sentences for faults in newsletter.toml: unknown keys with suggestions, examples."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from newsletter.config.imap_url import IMAP_VARIABLE
from newsletter.config.mail_sections import DKIM_VARIABLE, SECRET_VARIABLE
from newsletter.config.relay_url import PASSWORD_VARIABLE
from newsletter.config.section import Fault, keys_of
from newsletter.config.settings import LABELS, SECTIONS
from newsletter.errors import Located, located
from newsletter.text import printable, shown
from newsletter.toml_lines import Where, line_of


def sentence(name: str, text: str, tree: Mapping[str, Any], fault: Fault) -> Located:
    if fault.unknown:
        return _unknown_key(name, text, tree, fault.where)
    line = line_of(text, fault.where)
    below = ".".join(printable(part) for part in fault.where[1:] if isinstance(part, str))
    what = f"{_title(fault.where)} {below} {fault.what}" if below else f"{_title(fault.where)} {fault.what}"
    remedy = fault.remedy
    if not remedy:
        remedy = _example(fault.where) if below else f"write {_title(fault.where)} and its keys below"
    return located(name, line, what, remedy)


def _title(where: Where) -> str:
    listed = where[0] == "relays" or (len(where) > 1 and isinstance(where[1], int))
    return f"[[{where[0]}]]" if listed else f"[{where[0]}]"


def _example(where: Where) -> str:
    """The remedy for a key that names none."""
    names = [part for part in where[1:] if isinstance(part, str)]
    section = SECTIONS[str(where[0])]
    if section is None:
        return f"write {_toml_key(names[-1])} = {toml(LABELS.example)}"
    _, key = keys_of(section)[names[0]]
    if len(names) > 1 and isinstance(key.example, dict):
        return f"write {_toml_key(names[-1])} = {toml(next(iter(key.example.values())))}"
    return f"write {names[0]} = {toml(key.example)}"


def _unknown_key(name: str, text: str, tree: Mapping[str, Any], where: Where) -> Located:
    line = line_of(text, where)
    key = str(where[-1])
    sections = {section: tuple(keys_of(keys)) if keys else () for section, keys in SECTIONS.items()}
    if len(where) == 1:
        if not _is_section(tree[key]):
            owners = [section for section, keys in sections.items() if key in keys]
            remedy = f"write it below [{owners[0] if owners else 'newsletter'}]"
            return located(name, line, f"the key {shown(key)} stands outside any section", remedy)
        what, known = f"no section is named [{printable(key)}]", tuple(sections)
    else:
        what, known = f"{_title(where)} has no key {shown(key)}", sections[str(where[0])]
        if any(word in key.lower() for word in ("pass", "secret", "pem")):
            variable = _SECRETS.get(str(where[0]), PASSWORD_VARIABLE)
            return located(name, line, what, f"remove it, and set the environment variable {variable}")
        if key in SECTIONS:
            return located(name, line, what, f"write it as a section of its own, [{key}]")
    import difflib  # 10 ms that only a fault needs

    nearest = difflib.get_close_matches(key.lower(), known, n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else f"it may have {', '.join(known)}"
    return located(name, line, what, remedy)


_SECRETS = {"newsletter": SECRET_VARIABLE, "dkim": DKIM_VARIABLE, "ledger": "PGPASSWORD", "bounces": IMAP_VARIABLE}


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
