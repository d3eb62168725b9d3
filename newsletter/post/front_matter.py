"""Front matter: the YAML between two `---` lines, parsed like Jekyll, and repaired if that is safe.

A stray quote inside a quoted value makes the whole block invalid; Jekyll then silently drops all of it. We escape the
quote, report its line, and keep every word. A repair must result in valid YAML with a text for the repaired key;
anything less certain is an error with line and column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from itertools import pairwise
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler
from yaml.reader import ReaderError

from newsletter.errors import ContentError, Located, located
from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.post.front_formats import MAX_DEPTH, header_lines, read_header, read_toml, refuse_monsters, toml_lines
from newsletter.text import LONG_NUMBER, digits_line

MAX_REPAIRS = 20

_BASE_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # as YAMLHandler chooses: libyaml where PyYAML has it

_FENCE = re.compile(r"-{3,}[ \t]*$")
_END = re.compile(r"(?:(?<!-)-{3,}+|(?<!\.)\.{3})[ \t]*+$")  # YAML ends a document at `...`, and so does Jekyll
_TOML_FENCE = re.compile(r"\+{3}[ \t]*$")
# Psych accepts tabs between a key and its value, and at a line's end; PyYAML does not.
_TABS = re.compile(r"^([ ]*(?:- +)?[\w\"'-]+[ \t]*:|[ ]*-)[ ]*\t[ \t]*|(?<![ \t])[ ]*+\t[ \t]*+$")
# YAML starts a comment at ` #`, and truncates `title: C# and F#, #1`; a `#` followed by a space is taken for a comment.
_CUT = re.compile(r"(title|description|subject|subtitle|author)[ \t]*:[ \t]+([^\s\"'#|>\[{][^\"']*?)[ \t]#(?=\S)")
_KEY = re.compile(r"([\w-]+)[ \t]*:(?=[ \t]|$)")
_QUOTED_VALUE = re.compile(r"([\w-]+[ \t]*:[ \t]+)([\"'])")
# YAML requires a space before a comment; PyYAML does not, and would silently truncate `"the "#1" team"`.
_GLUED_COMMENT = re.compile(r"""[\w-]+[ \t]*:[ \t]+(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')#""")
_PLAIN_VALUE = re.compile(r"([\w-]+[ \t]*:[ \t]+)(\S.*)$")


@frozen
class FrontMatter:
    """`body` is the text after the block; `body_line` and `key_lines` are lines of the file, from 1.

    `block` has the lines between the two marks after repairs, the first of them at `block_line`.

    `texts` has the scalar values as the author wrote them: `lang: no` and `title: 12:30` are text, though YAML parses
    them as False and 750.
    """

    values: Mapping[str, Any]
    body: str
    body_line: int
    texts: Mapping[str, str] = field(default_factory=dict)
    key_lines: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    block: tuple[str, ...] = ()
    block_line: int = 0


def read_front_matter(text: str, path: str) -> FrontMatter:
    """Split a post into its front matter and its body. `text` has LF line ends.

    Raises ContentError if the block is not closed, is no mapping, or is YAML beyond safe repair.
    """
    lines = text.split("\n")
    start = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    if start == len(lines):
        return FrontMatter({}, text, 1)
    is_toml = bool(_TOML_FENCE.match(lines[start]))
    if not is_toml and not _FENCE.match(lines[start]):
        return _read_header(lines, start, text)
    closing = _TOML_FENCE if is_toml else _END
    end = next((index for index in range(start + 1, len(lines)) if closing.match(lines[index])), None)
    if end is None:
        mark = "+++" if is_toml else "---"
        what = "the front matter is never closed"
        raise ContentError(located(path, start + 1, what, f"write `{mark}` on a line of its own after it"))
    block = lines[start + 1 : end]
    if is_toml:
        toml = read_toml("\n".join(block), start + 2, path)
        body = "\n".join(lines[end + 1 :])
        return FrontMatter(toml, body, end + 2, {}, toml_lines(block, start + 2), (), tuple(block), start + 2)
    block = [_TABS.sub(_spaced, line) if "\t" in line else line for line in block]
    values, texts, findings, mended = _load_with_repairs(block, start + 2, path)
    key_lines = {found[1]: start + 2 + index for index, line in enumerate(block) if (found := _KEY.match(line))}
    body = "\n".join(lines[end + 1 :])
    return FrontMatter(values, body, end + 2, texts, key_lines, findings, tuple(mended), start + 2)


def _read_header(lines: list[str], start: int, text: str) -> FrontMatter:
    """Parse a post that begins with `Key: value` lines, as Pelican's do, or with its text."""
    end = header_lines(lines, start)
    if end is None:
        return FrontMatter({}, text, 1)
    values = read_header(lines[start:end])
    places = {found[1].lower(): number for number in range(start, end) if (found := _KEY.match(lines[number]))}
    key_lines = {key: number + 1 for key, number in places.items()}
    texts = {key: value for key, value in values.items() if isinstance(value, str)}
    return FrontMatter(values, "\n".join(lines[end:]), end + 1, texts, key_lines)


def _spaced(found: re.Match[str]) -> str:
    return f"{found[1]} " if found[1] else ""


def _load_with_repairs(
    block: list[str], first_line: int, path: str
) -> tuple[Mapping[str, Any], Mapping[str, str], tuple[Finding, ...], list[str]]:
    findings: list[Finding] = []
    for index, line in enumerate(block):
        if _GLUED_COMMENT.match(line) and (mended := _escape_quotes(block, index, first_line)):
            block, finding = mended
            findings.append(finding)
    while True:
        try:
            values = _load("\n".join(block), first_line, path)
            findings += _cut_values(block, first_line)
            return values, _texts("\n".join(block)), tuple(findings), block
        except _DateError as error:
            block = _quoted_entry(block, error)
        except yaml.YAMLError as error:
            mended = _repair(block, error, first_line) if len(findings) < MAX_REPAIRS else None
            if mended is None:
                raise ContentError(_yaml_sentence(error, block, first_line, path)) from error
            block, finding = mended
            findings.append(finding)


def _load(source: str, first_line: int, path: str) -> Mapping[str, Any]:
    _refuse_aliases_and_depth(source, first_line, path)
    try:
        metadata = YAMLHandler().load(source)
    except ValueError as error:  # a timestamp with an invalid day, such as 2026-02-30
        entry = _faulty_entry(source.split("\n"))
        digits = digits_line(source)
        if not digits and _PLAIN_VALUE.match(source.split("\n")[entry]):
            raise _DateError(entry) from error
        line = first_line + entry
        what = f"the front matter has a bad value: {LONG_NUMBER if digits else error}"
        raise ContentError(located(path, line, what, "mend it, or quote it to keep it as text")) from error
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise ContentError(
            located(path, first_line, "the front matter is not a list of `key: value` lines", "write `title: …`")
        )
    values = {str(key): value for key, value in metadata.items()}
    lines = {found[1]: first_line + at for at, line in enumerate(source.split("\n")) if (found := _KEY.match(line))}
    refuse_monsters(values, lines, first_line, path)
    return values


class _DateError(Exception):
    """A value that looks like a date and is invalid; `entry` is its line's index."""

    def __init__(self, entry: int) -> None:
        super().__init__(entry)
        self.entry = entry


def _quoted_entry(block: list[str], error: _DateError) -> list[str]:
    """The block with that value quoted; the parser of dates then reports it."""
    key, value = _split_entry(block[error.entry])
    return [*block[: error.entry], key + "'" + value.replace("'", "''") + "'", *block[error.entry + 1 :]]


def _split_entry(line: str) -> tuple[str, str]:
    found = _PLAIN_VALUE.match(line)
    return (found[1], found[2].partition(" #")[0].rstrip()) if found else (line, "")


def _cut_values(block: list[str], first_line: int) -> list[Finding]:
    found = [(first_line + index, cut) for index, line in enumerate(block) if (cut := _CUT.match(line))]
    return [
        Finding(
            "front-matter-comment",
            f"the value of `{cut[1]}` ends at “{cut[2][-20:]}”: YAML begins a comment at ` #`",
            "quote the value",
            line,
        )
        for line, cut in found
    ]


def _refuse_aliases_and_depth(source: str, first_line: int, path: str) -> None:
    # Security: parsing events needs no recursion, constructing the values does; aliases can grow without bound.
    depth = 0
    for event in yaml.parse(source, Loader=yaml.SafeLoader):
        line = first_line + (event.start_mark.line if event.start_mark else 0)
        if isinstance(event, yaml.AliasEvent):
            what = "the front matter uses a YAML alias (`*name`)"
            raise ContentError(located(path, line, what, "write the value out, or quote it"))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ContentError(located(path, line, "the front matter is nested too deep", "flatten it"))


def _texts(source: str) -> Mapping[str, str]:
    """The scalar values of a valid block as text, without conversion to numbers, dates or booleans."""
    # Security: BaseLoader constructs strings, lists and mappings only.
    values = yaml.load(source, Loader=_BASE_LOADER) or {}  # noqa: S506
    return {str(key): value for key, value in values.items() if isinstance(value, str)}


def _faulty_entry(block: list[str]) -> int:
    """Index of the first entry that raises ValueError when parsed alone; 0 if none does."""
    keys = [index for index, line in enumerate(block) if _KEY.match(line)]
    for start, end in pairwise([*keys, len(block)]):
        try:
            yaml.safe_load("\n".join(block[start:end]))
        except yaml.YAMLError:
            continue
        except ValueError:
            return start
    return 0


def _yaml_sentence(error: yaml.YAMLError, block: list[str], first_line: int, path: str) -> Located:
    if isinstance(error, ReaderError):
        before = "\n".join(block)[: error.position]
        what = f"the front matter holds the control character U+{error.character:04X}"
        column = error.position - before.rfind("\n")
        return located(path, first_line + before.count("\n"), what, "delete it", column)
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "unreadable"
    line = first_line + (mark.line if mark else 0)
    column = mark.column + 1 if mark else None
    remedy = 'quote the value, and write \\" for a quote inside it'
    opened = getattr(error, "context_mark", None)
    if opened is not None and "quoted scalar" in str(getattr(error, "context", "")) and "end of" in problem:
        what = "the quote that opens here is never closed"
        return located(
            path, first_line + opened.line, what, "write the same quote at the value's end", opened.column + 1
        )
    if "escape" in problem:
        remedy = "write \\\\ for a backslash"
    return located(path, line, f"the front matter is not valid YAML ({problem})", remedy, column)


def _repair(block: list[str], error: yaml.YAMLError, first_line: int) -> tuple[list[str], Finding] | None:
    """The block with the faulty entry repaired, and the repair; None if no repair is certain."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return None
    keys = [index for index, line in enumerate(block) if _KEY.match(line) and index <= mark.line]
    # The parser fails behind the fault, sometimes past the next key: try the nearest entries, last first.
    for start in reversed(keys):
        if _loads(block, start):
            continue
        mended = _escape_quotes(block, start, first_line) or _quote_plain(block, start, first_line)
        if mended and _loads(mended[0], start, str):
            return mended
    return None


def _loads(block: list[str], start: int, kind: type = object) -> bool:
    """Whether the entry that starts at this line, taken alone, is valid YAML with values of this type."""
    end = next((i for i in range(start + 1, len(block)) if _KEY.match(block[i])), len(block))
    try:
        value = yaml.safe_load("\n".join(block[start:end]))
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and all(isinstance(item, kind) for item in value.values())


def _escape_quotes(block: list[str], start: int, first_line: int) -> tuple[list[str], Finding] | None:
    """Escape quotes inside a quoted value that reaches to the last quote before the next key."""
    opening = _QUOTED_VALUE.match(block[start])
    if not opening:
        return None
    quote = opening.group(2)
    end = next(
        (
            index
            for index in range(start, len(block))
            if block[index].rstrip().endswith(quote)
            and (index > start or len(block[index].rstrip()) > opening.end())
            and (index + 1 == len(block) or _KEY.match(block[index + 1]) or not block[index + 1].strip())
        ),
        None,
    )
    if end is None:
        return None
    inner = "\n".join(block[start : end + 1])[opening.end() :].rstrip()[:-1]
    stray = re.compile(r'(?<!\\)((?:\\\\)*)"') if quote == '"' else re.compile(r"(?<!')'(?!')")
    escape = r'\1\\"' if quote == '"' else "''"
    found = stray.search(inner)
    if not found:
        return None
    line = start + inner[: found.end() - 1].count("\n")
    mended = (block[start][: opening.end()] + stray.sub(escape, inner) + quote).split("\n")
    remedy = 'write \\" or use a block scalar' if quote == '"' else "write '' or use a block scalar"
    finding = Finding(
        "front-matter-quote",
        f"a {quote} stands unescaped inside the quoted value of `{opening.group(1).partition(':')[0].strip()}`",
        remedy,
        first_line + line,
    )
    return block[:start] + mended + block[end + 1 :], finding


def _quote_plain(block: list[str], start: int, first_line: int) -> tuple[list[str], Finding] | None:
    """Quote a one-line value that YAML parses as its own syntax: `title: Part 2: the end`, `title: [原创] 某事`."""
    found = _PLAIN_VALUE.match(block[start])
    if not found or found.group(2)[0] in "\"'|>" or found.group(2).rstrip().endswith(("]", "}")):
        return None
    value = found.group(2).rstrip()
    quoted = "'" + value.replace("'", "''") + "'"
    key = found.group(1).partition(":")[0].strip()
    finding = Finding(
        "front-matter-plain",
        f"the value of `{key}` holds characters that YAML takes for its own",
        f"write {key}: {quoted}",
        first_line + start,
    )
    return [*block[:start], found.group(1) + quoted, *block[start + 1 :]], finding
