"""A failure as JSON: exit code, its meaning, and the parts of its message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click

from newsletter.errors import (
    EXIT_BUSY,
    EXIT_CONTENT,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNSENT,
    EXIT_USAGE,
    Located,
    NewsletterError,
    located,
)

MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        EXIT_OK: "everything was done",
        EXIT_CONTENT: "the post or the list is at fault",
        EXIT_USAGE: "the configuration or the command line is at fault",
        EXIT_UNSENT: "somebody was not mailed",
        EXIT_BUSY: "another run is sending this issue",
        EXIT_INTERRUPTED: "interrupted",
    }
)


def ending(code: int) -> dict[str, Any]:
    """The exit code and its meaning, for a command's JSON object."""
    return {"exit_code": code, "meaning": MEANINGS.get(code, "")}


def described(error: NewsletterError) -> dict[str, Any]:
    """`error` has the first fault; `errors` all of them, if newsletter.toml has several."""
    return _object(error.faults, error.exit_code, error.picture)


def described_words(words: str, code: int) -> dict[str, Any]:
    """The same for Ctrl-C."""
    return _object([located("", None, words)], code, ())


def described_usage(error: click.ClickException) -> dict[str, Any]:
    """The same for a usage error: click's own messages have no remedy."""
    fault = error.fault if isinstance(error, MisuseError) else located("", None, error.format_message())
    return _object([fault], error.exit_code, ())


def with_example(error: click.ClickException) -> click.ClickException:
    """An error about a missing argument or option, with the example of the command's help as its remedy."""
    if not isinstance(error, click.MissingParameter) or error.message or error.ctx is None:
        return error
    example = (error.ctx.command.help or "").partition("Example:\n")[2].strip().partition("\n")[0]
    words = f"Write, for instance: {example}" if example else None
    return click.MissingParameter(words, error.ctx, error.param, error.param_hint, error.param_type)


class MisuseError(click.UsageError):
    """Options that exclude or need each other."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.fault = located("", None, what, remedy)
        super().__init__(self.fault)


def _object(faults: Sequence[Located], code: int, picture: Sequence[str]) -> dict[str, Any]:
    found = [_parts(fault) for fault in faults]
    more = {"errors": found} if len(found) > 1 else {}
    return {"error": {**found[0], **({"picture": list(picture)} if picture else {})}, **more, **ending(code)}


def _parts(fault: Located) -> dict[str, Any]:
    """Path, line, column, what and remedy; null or empty if the fault does not have them."""
    place = {"path": fault.path or None, "line": fault.line, "column": fault.column}
    return {"text": str(fault), **place, "what": fault.what, "remedy": fault.remedy}
