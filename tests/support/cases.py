"""Parsing cases as readable triplets, and the tree as readable text.

A case in tests/cases/*.md is a title, the input and the expected output, as in markdown-it's own fixtures:

    A title that says what the case shows
    .
    input, any number of lines
    .
    expected output
    .

Text between the cases is for the reader only. Arrows are tabs, `·` at a line's end is a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsletter.model.findings import Finding
from newsletter.model.issue import (
    Block,
    Blocks,
    Break,
    Code,
    CodeBlock,
    Definitions,
    Emphasis,
    Figure,
    Footnotes,
    Heading,
    Image,
    Inlines,
    Link,
    ListBlock,
    Note,
    Paragraph,
    Quote,
    Rule,
    Span,
    Story,
    Strike,
    Strong,
    Summary,
    Table,
    Text,
    Video,
)

FOLDER = Path(__file__).parents[1] / "cases"


@dataclass(frozen=True, slots=True)
class Case:
    title: str
    source: str
    expected: str
    line: int


def read_cases(name: str) -> list[Case]:
    """The cases of `tests/cases/<name>.md`, in order. Raises an error for an incomplete case."""
    cases: list[Case] = []
    parts: list[list[str]] = [[], [], []]
    state, begin = 0, 0
    for number, line in enumerate((FOLDER / f"{name}.md").read_text("utf-8").split("\n"), 1):
        if line != ".":
            parts[state].append(line)
            continue
        begin = begin if state else number - 1
        state += 1
        if state == 3:
            title = next((text for text in reversed(parts[0]) if text.strip()), "")
            assert title, f"{name}.md:{begin}: the case has no title"
            cases.append(Case(title, _plain(parts[1]), _plain(parts[2]), begin))
            parts, state = [[], [], []], 0
    assert not state, f"{name}.md:{begin}: the case is not closed"
    assert cases, f"{name}.md holds no case"
    return cases


def _plain(lines: list[str]) -> str:
    return "\n".join(re.sub("·$", " ", line).replace("→", "\t") for line in lines)


def parametrize(name: str) -> pytest.MarkDecorator:
    cases = read_cases(name)
    return pytest.mark.parametrize("case", cases, ids=[f"{case.line}-{case.title}" for case in cases])


# --- the tree, readable ---------------------------------------------------------------------------------------------


def outline(blocks: Blocks, findings: Iterable[Finding] = ()) -> str:
    """One line per block, with its line in the file; inline marks as tags; findings last, by line and code."""
    found = [f"! {finding.line or '-'} {finding.code}" for finding in findings]
    return "\n".join([*_lines(blocks, ""), *found])


def _lines(blocks: Iterable[Block], indent: str) -> Iterator[str]:
    for block in blocks:
        yield from (indent + line for line in _block(block))


def _block(block: Block) -> Iterator[str]:
    place = f" @{block.line}" if block.line else ""
    match block:
        case Heading(level, inlines):
            yield f"h{level}{place} {marked(inlines)}"
        case Paragraph(inlines, role=role):
            yield f"{role or 'p'}{place} {marked(inlines)}"
        case Summary(lines):
            yield f"summary{place}"
            yield from (f"  {line}" for line in lines)
        case Figure(image):
            yield f"figure{place} {marked((image,))}"
        case Story():
            yield f"story {block.number}{place}"
            if block.lead:
                yield f"  lead {marked(block.lead)}"
            yield from _lines(block.body, "  ")
            yield from (f"  image {marked((image,))}" for image in block.images)
            yield from (f"  source {marked((link,))}" for link in block.links)
        case ListBlock(items, start):
            yield f"list{place}" if start is None else f"list from {start}{place}"
            for item in items:
                yield "  item" if item.checked is None else f"  item {'done' if item.checked else 'open'}"
                yield from _lines(item.body, "    ")
        case Quote(body=body, alert=alert):
            yield f"quote{place} {alert}".rstrip()
            yield from _lines(body, "  ")
        case CodeBlock(text, language):
            yield f"code{place} {language}".rstrip()
            yield from (f"  |{line}" for line in text.split("\n"))
        case Table(header, rows, align):
            yield f"table{place} {','.join(each or '-' for each in align)}{'' if header else ' without header'}"
            shown = (header, *rows) if header else rows
            yield from ("  " + " | ".join(marked(cell) for cell in cells) for cells in shown)
        case Rule():
            yield f"rule{place}"
        case Video(href, title, poster, is_audio=is_audio):
            yield " ".join(
                [
                    f"{'audio' if is_audio else 'video'}{place}",
                    href,
                    *([repr(title)] if title else []),
                    *(marked((p,)) for p in [poster] if p),
                ]
            )
        case Definitions(items=terms):
            yield f"definitions{place}"
            for term, body in terms:
                yield f"  term {marked(term)}"
                yield from _lines(body, "    ")
        case Footnotes(items=notes):
            yield f"footnotes{place}"
            for number, note in enumerate(notes, 1):
                yield f"  note {number}"
                yield from _lines(note, "    ")
        case _:  # fail, or an unsupported kind would never be tested
            raise AssertionError(f"outline knows no {type(block).__name__}")


def marked(inlines: Inlines) -> str:
    """Inline content with its marks as tags; text is verbatim."""
    out: list[str] = []
    for node in inlines:
        match node:
            case Text(text):
                out.append(text)
            case Strong(children):
                out.append(f"<b>{marked(children)}</b>")
            case Emphasis(children):
                out.append(f"<i>{marked(children)}</i>")
            case Strike(children):
                out.append(f"<s>{marked(children)}</s>")
            case Span(kind, children, note):
                out.append(f"<{kind}{f' {note!r}' if note else ''}>{marked(children)}</{kind}>")
            case Code(text):
                out.append(f"<code>{text}</code>")
            case Break():
                out.append("<br>")
            case Note(number):
                out.append(f"<note {number}>")
            case Link(href, children, title):
                out.append(f"<a {href}{f' {title!r}' if title else ''}>{marked(children)}</a>")
            case Image(src, alt, title, href):
                parts = [src, *(repr(words) for words in (alt, title) if words), *(["->", href] if href else [])]
                out.append(f"<img {' '.join(parts)}>")
    return "".join(out)
