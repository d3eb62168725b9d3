"""Read `.env` beside newsletter.toml: the secrets of runs that no shell prepares. docs/decisions/0060-env-file.md.

Security: no value is part of a message. Only names of our own are taken, so the file cannot set PATH or LD_PRELOAD, and
nothing of it reaches the environment of this process or of the commands that it starts.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import ConfigError, Located, located
from newsletter.files import NotAFileError, open_regular
from newsletter.frozen import frozen
from newsletter.toml_file.parse import decode_text

if TYPE_CHECKING:
    from dotenv.parser import Binding

ENV_FILE = ".env"
PREFIX = "NEWSLETTER_"
POSTGRESQL_PASSWORD = "PGPASSWORD"  # noqa: S105 - the variable's name

MAX_BYTES = 64 * 1024

_OURS = re.compile(rf"(?:export\s+)?['\"]?({PREFIX}\w*|{POSTGRESQL_PASSWORD}\b)")
_LATER_LINE = re.compile(rf"\n[ \t]*(?:export[ \t]+)?(?:{PREFIX}\w*|{POSTGRESQL_PASSWORD})[ \t]*=")
_SHELL = re.compile(r"\$\(.*\)|`.*`|\$\{\w+\}|\$[A-Za-z_]\w*", re.DOTALL)


def is_ours(name: str) -> bool:
    return name.startswith(PREFIX) or name == POSTGRESQL_PASSWORD


@frozen
class Environment(Mapping[str, str]):
    """The variables that newsletter reads: those of the process, and for names that it lacks those of `.env`.

    `lines` has the names that came from the file, with their lines, `hidden` those that the process has as well.
    """

    values_by_name: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: Path | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    hidden: Mapping[str, int] = field(default_factory=dict)
    unread: str = ""
    """Why the file was not read: who may not read it; empty if it was, or there is none."""

    others: Mapping[str, int] = field(default_factory=dict)
    """Names in the file that are not newsletter's, with their lines: a misspelt one may be meant for it."""

    faults: tuple[Located, ...] = ()
    name: str = ENV_FILE
    """The file's name in messages."""

    def __getitem__(self, name: str) -> str:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def source_of(env: Mapping[str, str], name: str) -> str:
    """Where a variable comes from, for messages: `.env` or the environment."""
    return ENV_FILE if isinstance(env, Environment) and name in env.lines else "environment"


def why_missing(env: Mapping[str, str], name: str) -> str:
    """Why a variable that may be in `.env` is not set, in parentheses for a message; empty if it is in none."""
    if not isinstance(env, Environment) or env.file is None:
        return ""
    if env.unread:
        return f" ({env.file} was not read: {env.unread})"
    if name in env.hidden and not env[name]:
        return f" ({env.file}:{env.hidden[name]} sets it; the environment sets it to nothing, and that counts)"
    return ""


def invalid_variable(env: Mapping[str, str], name: str, what: str, remedy: str) -> ConfigError:
    """The error for a variable's value, with the line of `.env` that it came from. Security: without the value."""
    if isinstance(env, Environment) and name in env.lines:
        return ConfigError(located(env.name, env.lines[name], f"{name}: {what}", remedy))
    return ConfigError(located(name, None, what, remedy))


def process_environment(env: Mapping[str, str]) -> Environment:
    """The variables of the process alone."""
    return Environment({name: value for name, value in env.items() if is_ours(name)})


def read_environment(env: Mapping[str, str], path: Path, name: str) -> Environment:
    """The environment with the file at `path`, which may be missing; `name` is shown. Never raises: see `faults`.

    The process's variables win, even empty ones: what a unit, a workflow or a shell sets is what is meant.
    """
    own = process_environment(env).values_by_name
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Environment(own)  # a folder of this name is often Python's virtual environment
    except NotAFileError as error:
        return Environment(own, path, unread=f"it is {error.strerror}")
    except OSError as error:
        return Environment(own, path, unread=f"it cannot be read: {error.strerror}")
    if len(content) > MAX_BYTES:
        what = f"larger than {MAX_BYTES // 1024} KB, no file of variables"
        return Environment(own, path, faults=(located(name, None, what, "write a variable on each line"),))
    try:
        text = decode_text(name, content, "a binary file, not one of variables", "write a variable on each line")
    except ConfigError as error:
        return Environment(own, path, faults=error.faults)
    values, lines, others, faults = _read(name, text)
    lacking = {key: value for key, value in values.items() if key not in own}
    return Environment(
        {**lacking, **own},
        path,
        {key: lines[key] for key in lacking},
        {key: lines[key] for key in values if key in own},
        others=others,
        faults=faults,
        name=name,
    )


def _read(name: str, text: str) -> tuple[dict[str, str], dict[str, int], dict[str, int], tuple[Located, ...]]:
    """Values and lines of our names, lines of the others, faults.

    An empty value counts as none: the template that `init` writes has them.
    """
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    others: dict[str, int] = {}
    faults: list[Located] = []
    for binding in parse_stream(io.StringIO(text)):
        written = binding.original.string
        line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
        key = binding.key or ""
        if fault := _fault(binding, written.lstrip()):
            faults.append(located(name, line, *fault))
        elif is_ours(key) and binding.value:
            values[key], lines[key] = binding.value, line
        elif is_ours(key):
            values.pop(key, None)
            lines.pop(key, None)
        elif key:
            others[key] = line
    return values, lines, others, tuple(faults)


def _fault(binding: Binding, written: str) -> tuple[str, str] | None:
    """What is wrong with an assignment, and its remedy; None for one that is not ours."""
    key = binding.key or ""
    if _LATER_LINE.search(written):
        return "a quote is opened here and not closed, and a variable of newsletter's follows", "close the quote"
    if binding.error or binding.value is None:
        found = _OURS.match(written)
        if found is None:
            return None
        if "=" not in written:
            return f"{found[1]} has no =", f"write {found[1]}='…'"
        return f"{found[1]} cannot be read: a quote without its end, or words behind one", f"write {found[1]}='…'"
    if not is_ours(key) or not binding.value:
        return None
    value = written.partition("=")[2].lstrip()
    if value.startswith("'"):
        return None
    literal = "put it in single quotes if it is meant as it stands"
    if _SHELL.fullmatch(binding.value):
        return f"{key} is a piece of shell, which is not run", f"write the value itself, or {literal}"
    if value.startswith('"') and re.search(r"\\[$`]", value):
        # A shell takes the backslash away, other readers of such files keep it.
        return f"{key} has a backslash before $ or ` in double quotes, which programs read differently", literal
    return None
