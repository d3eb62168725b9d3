"""Parse a TOML file; syntax errors have line and column."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from newsletter.errors import ConfigError, Located, located
from newsletter.text import LONG_NUMBER, digits_line


def decode_toml(name: str, content: bytes, *, wanted: str) -> str:
    """Decode the file's text with LF line ends; `wanted` names the expected file in the error for a binary one."""
    return decode_text(name, content, "a binary file, not TOML", f"give the path of a {wanted}")


def decode_text(name: str, content: bytes, binary: str, remedy: str) -> str:
    """The same for any text file; `binary` and `remedy` are the error for a binary one. Raises ConfigError."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(located(name, 1, "the file is UTF-16, not UTF-8", "save it as UTF-8"))
    if b"\0" in content:
        raise ConfigError(located(name, None, binary, remedy))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise ConfigError(located(name, line, what, "save the file as UTF-8")) from error


def parse_toml(name: str, text: str) -> dict[str, Any]:
    """Parse a TOML text; `name` is its file's. Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_fault(name, text, str(error))) from error
    except ValueError as error:  # from a huge integer; TOMLDecodeError is a subclass, handled above
        raise ConfigError(located(name, digits_line(text), LONG_NUMBER, "write a shorter one")) from error
    except RecursionError as error:
        raise ConfigError(located(name, None, "arrays or tables nested too deeply", "write plain keys")) from error


def _syntax_fault(name: str, text: str, message: str) -> Located:
    """Extract the position from tomllib's message: `... (at line 3, column 5)`, `... (at end of document)`."""
    remedy = 'write key = "value", each on a line of its own below its [section]'
    place = re.fullmatch(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", message, re.DOTALL)
    if place:
        return located(name, int(place["line"]), f"not TOML: {place['what']}", remedy, int(place["column"]))
    lines = text.split("\n")
    what = message.removesuffix(" (at end of document)")
    return located(name, len(lines), f"not TOML: {what}", remedy, len(lines[-1]) + 1)
