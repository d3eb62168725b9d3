"""Make untrusted text safe to print: escape control characters, quote values, write JSON."""

from __future__ import annotations

import json
import re

# C0, DEL, C1 and Unicode's line breaks: they could start a header line, or command a terminal.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def shown(value: object) -> str:
    """A value in double quotes (a number bare), truncated, safe to print."""
    if not isinstance(value, str):
        return kind(value) if isinstance(value, dict | list) else str(value).lower()
    return f'"{printable(value if len(value) <= 60 else value[:57] + "…")}"'


def shown_url(url: str) -> str:
    """A URL truncated after its scheme: the rest may hold a password."""
    scheme, separator, _ = url.partition("://")
    if separator:
        return shown(scheme[:20] + "://…")
    return '"…"' if "@" in url else shown(url)


def printable(text: str) -> str:
    """Escape every character that is not printable, as Python does: `\\x1b`, `\\u202e`.

    Security: text from a file or a server must not control the operator's terminal.
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def valid_unicode(text: str) -> str:
    """A text with each byte that was no UTF-8, as in names of files and arguments, written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def kind(value: object) -> str:
    names: dict[type, str] = {
        bool: "a boolean",
        int: "a whole number",
        float: "a number",
        dict: "a table",
        list: "an array",
    }
    if isinstance(value, str):
        return f"the string {shown(value)}"
    return names.get(type(value), "a date or time")


LONG_NUMBER = "a number of more than 4,000 digits"
"""Python's own limit is close to this: parsing a number takes time quadratic in its digits."""


def digits_line(text: str) -> int | None:
    """The first line that contains such a number."""
    found = re.search(r"(?<![0-9_])[0-9_]{4001}", text)
    return text.count("\n", 0, found.start()) + 1 if found else None


_CONTROLS = re.compile("[\x7f-\x9f]")


def json_text(value: object, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """Serialize a value as JSON, non-ASCII characters as they are, or escaped with `ascii_only`."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    # Security: JSON leaves DEL and the C1 controls unescaped, and a terminal obeys them (U+009B is CSI).
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def is_one_slip(typed: str, meant: str) -> bool:
    """Whether the Damerau-Levenshtein distance is one: a letter wrong, missing or extra, or two swapped."""
    longer = len(typed) - len(meant)
    if abs(longer) > 1 or typed == meant:
        return False
    at = next((n for n, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(len(typed), len(meant)))
    if longer == 1:
        return typed[at + 1 :] == meant[at:]
    if longer == -1:
        return typed[at:] == meant[at + 1 :]
    rest = typed[at + 1 :] == meant[at + 1 :]
    return rest or (typed[at : at + 2] == meant[at : at + 2][::-1] and typed[at + 2 :] == meant[at + 2 :])


# The characters that start a formula in spreadsheets (OWASP's page on CSV injection), full-width forms included: a name
# such as =HYPERLINK(...) would run on the machine of the reader.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def spreadsheet_cell(text: str) -> str:
    """Prefix a formula with an apostrophe, which makes it text in a spreadsheet."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def counted(number: int, one: str, many: str = "") -> str:
    """A number and its noun, "1 issue" or "1,203 issues": `many` is the plural that does not end with `s` alone."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def percent(part: int, whole: int) -> str:
    """A share that is 100 % only where it is all, and 0 % only where it is nothing; empty of nothing."""
    if not whole:
        return ""
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "< 0.1 %"
    if 99.9 < share < 100:
        return "> 99.9 %"
    return f"{share:.1f} %" if 0 < share < 100 else f"{share:.0f} %"
