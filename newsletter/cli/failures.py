"""A failure as JSON: exit code, its meaning, and the parts of the sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from newsletter.errors import (
    EXIT_BUSY,
    EXIT_CONTENT,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNSENT,
    EXIT_USAGE,
    Located,
    NewsletterError,
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

_PLACE = re.compile(
    r"(?!\w+://)(?P<path>[^\s:](?:[^:]|:(?!\s|\d))*):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<rest>.*)", re.DOTALL
)


def ending(code: int) -> dict[str, Any]:
    """How a command ends, for the object that it prints."""
    return {"exit_code": code, "meaning": MEANINGS.get(code, "")}


def described(error: NewsletterError) -> dict[str, Any]:
    """`error` has the first fault; `errors` all of them, where newsletter.toml has several."""
    text = error.args[0] if error.args else ""
    sentences = [text] if isinstance(text, Located) else str(text).split("\n")
    return _object([_parts(sentence) for sentence in sentences], error.exit_code, error.picture)


def described_words(words: str, code: int) -> dict[str, Any]:
    """The same of a sentence that is no error of ours: of the command line's parser, or of Ctrl-C."""
    return _object([_parts(words)], code, ())


def _object(faults: Sequence[Mapping[str, Any]], code: int, picture: Sequence[str]) -> dict[str, Any]:
    more = {"errors": list(faults)} if len(faults) > 1 else {}
    return {"error": {**faults[0], **({"picture": list(picture)} if picture else {})}, **more, **ending(code)}


def _parts(sentence: str) -> dict[str, Any]:
    """Path, line, column, what and remedy; null or empty where the sentence does not have them."""
    text = str(sentence)
    if isinstance(sentence, Located):
        place = {"path": sentence.path, "line": sentence.line, "column": sentence.column}
        return {"text": text, **place, "what": sentence.what, "remedy": sentence.remedy}
    found = _PLACE.fullmatch(text)
    what, _, remedy = (found["rest"] if found else text).partition("; ")
    return {
        "text": text,
        "path": found["path"] if found else None,
        "line": int(found["line"]) if found else None,
        "column": int(found["column"]) if found and found["column"] else None,
        "what": what,
        "remedy": remedy,
    }
